// `sluice plugin keygen`, `sign` and `verify`: detached Ed25519 signatures (RFC 8032) over a file's bytes. FILE.sig holds the 64 bytes in
// base64 (RFC 4648); keys are PEM (RFC 8410). The gateway checks them as `plugin_signatures` of its configuration says.
import ArgumentParser
import CSluiceCrypto
import Foundation
import SluiceModel

enum PluginSignature {
    static let keyBytesMax = 4096
    static let signatureFileBytesMax = 256
    static let ending = ".sig"

    static func read(_ path: String) throws -> [UInt8] { try FileIO.read(path, max: Limits.pluginFileBytesMax) }

    /// The 32 bytes of a public key: PEM, or base64 of the bytes themselves.
    static func publicKey(_ path: String) throws -> [UInt8] {
        let text = try FileIO.read(path, max: keyBytesMax)
        var key = [UInt8](repeating: 0, count: 32)
        if cs_ed25519_public_key(text, text.count, &key) == 1 { return key }
        let words = String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let raw = Data(base64Encoded: words), raw.count == 32 else {
            throw Complaint("\(path) is no Ed25519 public key; allowed: PEM (sluice plugin keygen writes it), or 32 bytes in base64")
        }
        return Array(raw)
    }

    /// The 64 bytes of a signature file: base64, or the bytes themselves.
    static func signature(_ path: String) throws -> [UInt8] {
        let text = try FileIO.read(path, max: signatureFileBytesMax)
        if text.count == 64 { return text }
        let words = String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let raw = Data(base64Encoded: words), raw.count == 64 else {
            throw Complaint("\(path) is no signature; allowed: 64 bytes, as they are or in base64")
        }
        return Array(raw)
    }
}

struct PluginKeygenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make a key pair for signing plugins.",
        discussion:
            "Writes NAME.pem (secret, mode 600: for sign) and NAME.pub.pem (for verify and for plugin_signatures.keys). Overwrites nothing."
    )
    @Argument(help: "The name of the files, without their endings.") var name: String

    func run() async throws {
        try await Console.run {
            var secret = [UInt8](repeating: 0, count: 512), open = secret, sizes = (secret: 0, open: 0)
            defer { secret.withUnsafeMutableBytes { cs_wipe($0.baseAddress, $0.count) } }
            guard cs_ed25519_generate(&secret, secret.count, &sizes.secret, &open, open.count, &sizes.open) == 1 else {
                throw Complaint("libcrypto refused to make a key")
            }
            try write(Array(secret[..<sizes.secret]), name + ".pem", 0o600)
            try write(Array(open[..<sizes.open]), name + ".pub.pem", 0o644)
            print("\(name).pem is secret; \(name).pub.pem goes into plugin_signatures.keys")
        }
    }

    private func write(_ bytes: [UInt8], _ path: String, _ mode: mode_t) throws {
        let fd = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard fd >= 0 else { throw FileProblem("make", path) }
        defer { close(fd) }
        try FileIO.write(bytes, to: fd, path: path)
    }
}

struct PluginSignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign a plugin's file.",
        discussion: "Writes FILE.sig: the Ed25519 signature of the file's bytes, in base64.")
    @Argument(help: "The file.") var file: String
    @Option(help: "The secret key in PEM, as keygen makes it.") var key: String

    func run() async throws {
        try await Console.run {
            let bytes = try PluginSignature.read(file)
            var pem = try FileIO.read(key, max: PluginSignature.keyBytesMax), signature = [UInt8](repeating: 0, count: 64)
            defer { pem.withUnsafeMutableBytes { cs_wipe($0.baseAddress, $0.count) } }
            guard cs_ed25519_sign(pem, pem.count, bytes, bytes.count, &signature) == 1 else {
                throw Complaint("\(key) is no Ed25519 secret key without a passphrase; allowed: PEM as sluice plugin keygen writes it")
            }
            let path = file + PluginSignature.ending
            do { try Data((Data(signature).base64EncodedString() + "\n").utf8).write(to: URL(fileURLWithPath: path)) } catch {
                throw Complaint("\(path) cannot be written: \(error.localizedDescription)")
            }
            print(path)
        }
    }
}

struct PluginVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a plugin's signature.",
        discussion: "Reads FILE.sig. Ends with 0 when the signature is good, else with 1.")
    @Argument(help: "The file.") var file: String
    @Option(help: "The public key: PEM, or 32 bytes in base64.") var key: String
    @Option(help: ArgumentHelp("The signature (default: FILE.sig).", valueName: "file")) var signature: String?

    func run() async throws {
        try await Console.run {
            let from = signature ?? file + PluginSignature.ending
            let bytes = try PluginSignature.read(file), key = try PluginSignature.publicKey(key),
                signed = try PluginSignature.signature(from)
            guard cs_ed25519_verify(key, signed, bytes, bytes.count) == 1 else {
                throw Complaint("\(file): \(from) is not the signature of this file by this key")
            }
            print("\(file): good signature")
        }
    }
}
