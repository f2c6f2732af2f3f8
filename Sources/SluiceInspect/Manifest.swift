// The manifest as values: what a plugin says about itself, every field checked. The grammar is the comment of
// SDK/…/sluice/manifest.h; a change there is a change here and in SDK/ABI.md.

/// A checked manifest.
struct Manifest {
    var name = ""
    var version = ""
    var vendor = ""
    var license = ""
    var abiMajor = 0
    var phases: [String] = []
    var language = "other"
    var concurrency = "plain"
    /// nil = the default of the language.
    var unload: String?
    var failureMode = "closed"
    var needs: [String] = []
    var optional: [String] = []
    var capabilities: [String] = []
    var configSchema: Range<Int>?

    static let depthMax = 16
    static let nameBytesMax = 64
    static let textBytesMax = 200
    static let listMax = 64
    static let phaseNames = ["rewrite", "access", "routing", "balancer", "content", "header_filter", "body_filter", "log"]
    static let keys = [
        "name", "version", "abi", "phases", "vendor", "license", "language", "concurrency", "unload", "failure_mode", "needs", "optional",
        "capabilities", "config_schema",
    ]
    static let languages = ["c", "c++", "swift", "rust", "zig", "other"]

    init(_ text: [UInt8]) throws(InspectError) {
        let node: JSONNode
        do { node = try StrictJSON.parse(text, depthMax: Self.depthMax) } catch { throw InspectError("invalid manifest: \(error)") }
        guard case .object(let members) = node.value else { throw Self.wrong("is \(node.kind); an object is needed") }
        var seen: Set<String> = []
        for (key, value) in members {
            seen.insert(key)
            try read(key, value)
        }
        for key in ["name", "version", "abi", "phases"] where !seen.contains(key) { throw Self.wrong("has no \"\(key)\"") }
    }

    private static func wrong(_ what: String) -> InspectError { InspectError("invalid manifest: it \(what)") }

    private mutating func read(_ key: String, _ node: JSONNode) throws(InspectError) {
        switch key {
        case "name":
            name = try Self.text(key, node)
            guard Self.isName(name) else {
                throw Self.wrong("has the name \"\(name.prefix(80))\"; 1 to \(Self.nameBytesMax) of a-z 0-9 - are allowed")
            }
        case "version":
            version = try Self.text(key, node)
            guard Self.isVersion(version) else {
                throw Self.wrong("has the version \"\(version)\"; MAJOR.MINOR.PATCH is needed (semver.org)")
            }
        case "vendor": vendor = try Self.text(key, node)
        case "license": license = try Self.text(key, node)
        case "abi":
            guard case .number(let n) = node.value, let major = Int(n) else {
                throw Self.wrong("has \(node.kind) as \"abi\"; a whole number is needed")
            }
            guard major == 1 else { throw InspectError("ABI major version \(major); this host speaks 1") }
            abiMajor = major
        case "phases": phases = try Self.list(key, node, of: Self.phaseNames)
        case "language": language = try Self.choice(key, node, Self.languages)
        case "concurrency": concurrency = try Self.choice(key, node, ["plain", "fiber", "suspend", "swift-async"])
        case "unload": unload = try Self.choice(key, node, ["unmap", "park"])
        case "failure_mode": failureMode = try Self.choice(key, node, ["closed", "open"])
        case "needs": needs = try Self.list(key, node, of: nil)
        case "optional": optional = try Self.list(key, node, of: nil)
        case "capabilities": capabilities = try Self.list(key, node, of: nil)
        case "config_schema":
            guard case .object = node.value else { throw Self.wrong("has \(node.kind) as \"config_schema\"; an object is needed") }
            configSchema = node.range
        default:
            throw Self.wrong(
                "has the unknown key \"\(key.prefix(80))\"; known: \(Self.keys.joined(separator: " "))"
            )
        }
    }

    private static func text(_ key: String, _ node: JSONNode) throws(InspectError) -> String {
        guard case .string(let s) = node.value else { throw wrong("has \(node.kind) as \"\(key)\"; a string is needed") }
        guard s.utf8.count <= textBytesMax else {
            throw wrong("has \(s.utf8.count) bytes as \"\(key)\"; at most \(textBytesMax) are allowed")
        }
        guard s.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { throw wrong("has control characters in \"\(key)\"") }
        return s
    }

    private static func choice(_ key: String, _ node: JSONNode, _ known: [String]) throws(InspectError) -> String {
        let s = try text(key, node)
        guard known.contains(s) else { throw wrong("has \"\(s)\" as \"\(key)\"; known: \(known.joined(separator: " "))") }
        return s
    }

    private static func list(_ key: String, _ node: JSONNode, of known: [String]?) throws(InspectError) -> [String] {
        guard case .array(let nodes) = node.value else { throw wrong("has \(node.kind) as \"\(key)\"; an array of strings is needed") }
        guard nodes.count <= listMax else { throw wrong("has \(nodes.count) entries in \"\(key)\"; at most \(listMax) are allowed") }
        var out: [String] = []
        for n in nodes {
            let s = try text(key, n)
            if let known, !known.contains(s) {
                throw wrong("has the unknown \"\(s)\" in \"\(key)\"; known: \(known.joined(separator: " "))")
            }
            if out.contains(s) { throw wrong("has \"\(s)\" twice in \"\(key)\"") }
            out.append(s)
        }
        return out
    }

    static func isName(_ s: String) -> Bool {
        !s.isEmpty && s.utf8.count <= nameBytesMax
            && s.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
    }

    /// MAJOR.MINOR.PATCH with optional -pre-release and +build.
    static func isVersion(_ s: String) -> Bool {
        let core = s.prefix { $0 != "-" && $0 != "+" }
        let rest = s.dropFirst(core.count)
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 3
            && numbers.allSatisfy {
                (1...9).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } && ($0 == "0" || $0.first != "0")
            }
            && rest.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0 | 0x20) || [0x2b, 0x2d, 0x2e].contains($0) }
    }
}
