// Bytes of clients on their way into a reference.
import SluiceBytes
import SluiceModel
import Testing

@testable import SluicePipeline

@Suite struct TemplateSpellingTests {
    private func spelled(_ text: [UInt8], _ encoding: TemplateText.Encoding) -> String {
        var out = [UInt8](repeating: 0, count: 3 * text.count + 1)
        let n = text.withUnsafeBufferPointer { from in
            out.withUnsafeMutableBufferPointer {
                TemplateSpelling.put(ByteView(from.baseAddress!, from.count), encoding, $0.baseAddress!)
            }
        }
        return String(decoding: out[..<n], as: UTF8.self)
    }

    @Test func placesDiffer() {
        let text = Array("a/b?c=d&e+f;g#h%2fi%zz".utf8)
        #expect(spelled(text, .path) == "a/b%3Fc=d&e+f;g%23h%2fi%25zz")
        #expect(spelled(text, .segment) == "a%2Fb%3Fc=d&e+f;g%23h%2fi%25zz")
        #expect(spelled(text, .argument) == "a/b%3Fc%3Dd%26e%2Bf%3Bg%23h%2fi%25zz")
        #expect(spelled(text, .query) == "a/b?c=d&e+f;g%23h%2fi%25zz")
    }

    /// No byte ends a header line, and none is sent that a URI cannot hold.
    @Test func everyByte() {
        for encoding in [TemplateText.Encoding.path, .segment, .argument, .query] {
            for b in UInt8.min...UInt8.max {
                let out = Array(spelled([b], encoding).utf8)
                #expect(out.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"\"<>\\^`{|}#".utf8.contains($0) }, "\(b)")
                #expect(
                    out.count == 1
                        || out == Array("%".utf8) + Array(String(b >> 4, radix: 16, uppercase: true).utf8)
                            + Array(String(b & 15, radix: 16, uppercase: true).utf8)
                )
            }
        }
    }
}
