public typealias OneCodec = ModelCodec
extension FuzzFiles {
  public static func context() throws(FuzzFilesFailure) -> FuzzContext<OneCodec> {
    let recipes = ModelRecipes(json: try recipesJSON())
    return FuzzContext(codec: ModelCodec(recipes), recipes: recipes)
  }
}
