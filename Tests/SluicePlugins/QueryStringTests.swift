// Query arguments: decoding, comparing by decoded names, removing.
import CSluiceABI
import SluiceBytes
import Testing

@testable import SluicePlugins

struct QueryStringTests {
    @Test(arguments: [
        ("/p?a=1", "a", "1"), ("/p?a", "a", ""), ("/p?a=", "a", ""), ("/p?b=2&a=1&a=3", "a", "1"), ("/p?%61=x", "a", "x"),
        ("/p?a%5Fb=y", "a_b", "y"),
        ("/p?a+b=1", "a b", "1"), ("/p?a=%", "a", "%"), ("/p?a=%4", "a", "%4"), ("/p?a=%zz", "a", "%zz"), ("/p?a=%41%42+c", "a", "AB c"),
        ("/p?a=b=c", "a", "b=c"),
        ("/p?&&a=1", "a", "1"), ("/p?=v", "", "v"), ("/p?a?b=1", "a?b", "1"), ("/p?a=%00", "a", "\u{0}"),
    ]) func finds(_ target: String, _ name: String, _ value: String) throws {
        #expect(try lookUp(target, name) == value)
    }

    @Test(arguments: [("/p", "a"), ("/p?", "a"), ("/p?ab=1", "a"), ("/p?a=1", "ab"), ("/p?A=1", "a"), ("/p?%6=1", "a"), ("/p?a%=1", "a")])
    func misses(_ target: String, _ name: String) throws {
        #expect(try lookUp(target, name) == nil)
    }

    @Test(arguments: [
        ("/p?a=1", "a", "/p"), ("/p?a=1&b=2", "a", "/p?b=2"), ("/p?b=2&a=1", "a", "/p?b=2"), ("/p?b=2&a=1&c&a", "a", "/p?b=2&c"),
        ("/p?%61=1&ab=2", "a", "/p?ab=2"), ("/p?a&&b", "a", "/p?&b"),
    ]) func removes(_ target: String, _ name: String, _ rest: String) throws {
        let message = try TestMessage("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
        message.ctx.pointee.phase = PluginPhase.rewrite.rawValue
        let status = Array(name.utf8).withUnsafeBufferPointer { QueryString.remove(ByteView($0.baseAddress!, $0.count), message.ctx) }
        #expect(status == 0 && message.target == rest)
    }

    private func lookUp(_ target: String, _ name: String) throws -> String? {
        let message = try TestMessage()
        let path = Array(target.utf8), wanted = Array(name.utf8) + [0]
        return path.withUnsafeBufferPointer { p in
            wanted.withUnsafeBufferPointer { w in
                message.ctx.pointee.path = ByteView(p.baseAddress!, p.count)
                var out = sluice_view()
                guard QueryString.first(ByteView(w.baseAddress!, w.count - 1), message.ctx, &out) == 0 else { return nil }
                return ByteView(out.data, Int(out.size)).string
            }
        }
    }
}
