// Brings back what a reader was not shown: a configuration that was read, changed and sent back has "***" where its secrets are, and gets
// those that are stored in the same place. Only names that are masked (`ConfigurationEncoder.isSecret`) are looked at.
import SluiceModel

enum MaskedConfig {
    static func restore(_ bindings: [PluginBinding], _ stored: [PluginBinding], _ pointer: String) throws -> [PluginBinding] {
        var out = bindings
        for index in out.indices { out[index] = try restore(out[index], stored, "\(pointer)/\(index)/config") }
        return out
    }

    static func restore(_ binding: PluginBinding, _ stored: [PluginBinding], _ pointer: String) throws -> PluginBinding {
        guard binding.configJSON.contains("\"\(SecretKeeper.mask)\"") else { return binding }
        let old = stored.first { $0.name == binding.name }
        guard let new = try? JSONReader.read(Array(binding.configJSON.utf8)) else { return binding }
        let before = old.flatMap { try? JSONReader.read(Array($0.configJSON.utf8)) }
        var out = binding
        out.configJSON = try restore(new, before, pointer, isSecret: false).text(sorted: true)
        return out
    }

    static func restore(_ action: Action, _ stored: Action?) throws -> Action {
        switch action {
        case .plugin(let binding):
            let old: [PluginBinding] = if case .plugin(let old) = stored { [old] } else { [] }
            return .plugin(try restore(binding, old, "/action/plugin/config"))
        case .respond(let status, let body, let headers):
            let old: [HeaderLine] = if case .respond(_, _, let old) = stored { old } else { [] }
            return .respond(
                status: status, body: body,
                headers: try headers.map { line in
                    guard line.value == SecretKeeper.mask, ConfigurationEncoder.isSecret(line.name) else { return line }
                    guard let known = old.first(where: { $0.name == line.name }) else {
                        throw missing("/action/respond/headers/\(escaped(line.name))")
                    }
                    return known
                })
        default: return action
        }
    }

    private static func restore(_ new: JSONValue, _ old: JSONValue?, _ pointer: String, isSecret: Bool) throws -> JSONValue {
        switch new {
        case .string(SecretKeeper.mask) where isSecret:
            guard let old else { throw missing(pointer) }
            return old
        case .array(let items):
            let before = old?.array ?? []
            return .array(
                try items.enumerated().map { index, item in
                    try restore(item, index < before.count ? before[index] : nil, "\(pointer)/\(index)", isSecret: false)
                })
        case .object(let members):
            return .object(
                try members.map { name, value in
                    (
                        name,
                        try restore(value, old?[name], "\(pointer)/\(escaped(name))", isSecret: ConfigurationEncoder.isSecret(name))
                    )
                })
        default: return new
        }
    }

    /// A part of a JSON pointer (RFC 6901).
    static func escaped(_ part: String) -> String { part.replacing("~", with: "~0").replacing("/", with: "~1") }

    private static func missing(_ pointer: String) -> PolicyProblem {
        PolicyProblem(pointer: pointer, found: "found \"\(SecretKeeper.mask)\", and no secret is stored here", allowed: "the secret itself")
    }
}
