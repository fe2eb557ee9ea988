import Testing

@testable import Instance
