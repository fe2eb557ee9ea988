import Store
import Testing

@Test func placeholder() {}
