// The capability policy applied to one plugin: what its manifest asks for against what the configuration grants. What the host
// keeps back from a plugin without the grant is in the SluicePlugins module.
import SluiceModel

enum CapabilityCheck {
    /// Why the plugin must not be loaded; nil = it asks for nothing that is not granted.
    static func problem(_ facts: PluginFacts, granted: [String]) -> String? {
        let unknown = facts.capabilities.filter { Capability(rawValue: $0) == nil }
        if !unknown.isEmpty {
            return "its manifest asks for the unknown \(word(unknown)) \(list(unknown)); known: \(Capability.names.joined(separator: " "))"
        }
        for id in facts.needs {
            guard let needed = Capability.allCases.first(where: { $0.extensionID == id }), !facts.capabilities.contains(needed.rawValue)
            else { continue }
            return "its manifest needs \(id) without asking for the capability \(needed.rawValue); add it to \"capabilities\""
        }
        let missing = facts.capabilities.filter { !granted.contains($0) }
        guard !missing.isEmpty else { return nil }
        return "it asks for the \(word(missing)) \(list(missing)), which nobody granted; allowed: "
            + (granted.isEmpty ? "none" : list(granted)) + " (grant it in plugins[].capabilities or in the call)"
    }

    private static func word(_ names: [String]) -> String { names.count == 1 ? "capability" : "capabilities" }
    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
