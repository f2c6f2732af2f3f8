// The C below the tables, crypto and calls of functions, under AddressSanitizer and UBSan: Tests/Kit/c_parts.c, compiled with the sources
// themselves, for Swift's tests run without either.
import Foundation
import Testing

@Suite struct CPartsTests {
    @Test func theCPartsAreClean() throws {
        let program = Kit.folder + "/c-parts"
        let sources =
            ["digest", "gcm", "verify", "text"].map { Kit.root + "/Sources/CSluiceCrypto/\($0).c" } + [
                Kit.root + "/Sources/CSluiceFFI/ffi.c"
            ]
        try Kit.run(
            ["cc", "-std=gnu17", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-Wall"]
                + [Kit.root + "/Tests/Kit/c_parts.c"] + sources + ["-o", program, "-lcrypto", "-lffi"])
        #expect(try Kit.run([program]) == "clean\n")
    }
}
