import Testing
@testable import SluiceControl
@Test func placeholder() {}
