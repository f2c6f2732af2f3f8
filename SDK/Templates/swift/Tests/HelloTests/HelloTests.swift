// The plugin on the SDK's fake host: no gateway is needed.
import SluicePluginTesting
import Testing

@testable import Hello

@Test func everyRequestGetsTheHeader() throws {
    let plugin = try FakePlugin(Hello.self)
    let exchange = FakeExchange(path: "/")
    #expect(plugin.rewrite(exchange) == .next)
    #expect(exchange.requestHeader("X-Hello") == "world")
}

@Test func nothingCanBeConfigured() {
    #expect(throws: ConfigurationRefused(description: "colour: unknown; no member is allowed here")) {
        try FakePlugin(Hello.self, config: #"{"colour": "red"}"#)
    }
}
