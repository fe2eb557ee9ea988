@main
struct Chumgate {
  static func main() { print("chumgate") }
}
