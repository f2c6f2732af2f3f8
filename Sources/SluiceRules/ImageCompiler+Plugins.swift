// Plugins, bindings and chains. A chain is the global bindings in their order, then the route's own; a route that binds a
// plugin which is bound globally puts its configuration in the global one's place instead.
import SluiceModel

/// What makes two bindings one.
struct BindingKey: Hashable {
    let name: String
    let config: String
    let when: String?
}

extension ImageCompiler {
    mutating func compilePlugins() throws(ImageError) {
        var seen: Set<String> = []
        for (i, source) in configuration.plugins.enumerated() {
            if !seen.insert(source.name).inserted {
                throw ImageError(path: "plugins[\(i)].name", found: "\"\(source.name)\" a second time", allowed: "each plugin once")
            }
            _ = try pluginRecord(source.name, at: "plugins[\(i)].name")
        }
        for (i, b) in configuration.globalPlugins.enumerated() { _ = try pluginRecord(b.name, at: "global_plugins[\(i)].name") }
    }

    /// In the order in which they run.
    private var globalPlugins: [PluginBinding] {
        let all = configuration.globalPlugins
        if all.allSatisfy({ $0.order == 0 }) { return all }
        return all.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }.map(\.element)
    }

    /// Index of the plugin's record, made when it is first named.
    private mutating func pluginRecord(_ name: String, at path: @autoclosure () -> String) throws(ImageError) -> UInt32 {
        if let known = pluginIndex[name] { return known }
        guard let a = input.plugin(name) else {
            let known = (configuration.plugins.map(\.name) + artifacts.map(\.name)).reduce(into: [String]()) {
                if !$0.contains($1) && $1 != name { $0.append($1) }
            }
            throw ImageError(
                path: path(), found: "unknown plugin \"\(name)\"",
                allowed: known.isEmpty ? "no plugin is loaded" : known.joined(separator: ", "))
        }
        if pluginIndex.count >= Limits.pluginsMax {  // names: a canary is a record more of its name
            throw ImageError(path: path(), found: "more than \(Limits.pluginsMax) plugins", allowed: "at most \(Limits.pluginsMax)")
        }
        let index = try add(a, at: path())
        pluginIndex[name] = index
        if let canary = input.canary(name) {
            if canary.artifact.name != name || canary.artifact.generation == a.generation {
                throw ImageError(
                    path: path(), found: "the canary \(canary.artifact.name)@\(canary.artifact.generation)",
                    allowed: "another generation of \(name) than \(a.generation)")
            }
            canaryIndex[name] = try add(canary.artifact, at: path())
        }
        return index
    }

    private mutating func add(_ a: PluginArtifact, at path: @autoclosure () -> String) throws(ImageError) -> UInt32 {
        if !a.path.hasPrefix("/") || a.path.utf8.contains(0) || a.path.utf8.count > 4095 {
            throw ImageError(path: path(), found: "the plugin file \"\(a.path)\"", allowed: "an absolute path of at most 4095 bytes")
        }
        var r = PluginRecord()
        r.name = strings.add(try identifier(a.name, at: path()))
        r.version = strings.add(a.version)
        r.path = strings.add(a.path)
        r.generation = a.generation
        r.digest = a.digest
        r.statSlot = a.statSlot
        r.flags =
            (a.isSwift ? PluginRecord.swift : 0) | (a.failOpen ? PluginRecord.failOpen : 0)
            | (a.isQuarantined ? PluginRecord.quarantined : 0)
        r.capabilities = a.capabilities
        plugins.append(r)
        artifacts.append(a)
        return UInt32(plugins.count - 1)
    }

    /// Index of the binding's record; equal bindings are one.
    private mutating func bindingRecord(_ b: PluginBinding, at path: @autoclosure () -> String) throws(ImageError) -> UInt32 {
        let key = BindingKey(name: b.name, config: b.configJSON, when: b.when)
        if let known = bindingIndex[key] { return known }
        let plugin = try pluginRecord(b.name, at: path() + ".name")
        if b.configJSON.utf8.count > Limits.bindingConfigBytesMax {
            throw ImageError(
                path: path() + ".config", found: "\(b.configJSON.utf8.count) bytes",
                allowed: "at most \(Limits.bindingConfigBytesMax) bytes of JSON")
        }
        var r = record(b, of: plugin)
        if let text = b.when { r.condition = try program(text, use: .request, at: path() + ".when") }
        let index = UInt32(bindings.count)
        if let canary = canaryIndex[b.name], let share = input.canary(b.name)?.share {
            (r.alternative, r.share) = (index + 1, share)
            bindings += [r, record(b, of: canary)]  // whose condition is asked once, of the first
        } else {
            bindings.append(r)
        }
        bindingIndex[key] = index
        return index
    }

    private mutating func record(_ b: PluginBinding, of plugin: UInt32) -> BindingRecord {
        var r = BindingRecord()
        r.plugin = plugin
        r.config = strings.add(b.configJSON)
        r.key = ImageHash.hash(b.configJSON, seed: ImageHash.hash(b.name, seed: artifacts[Int(plugin)].generation))
        return r
    }

    /// The bindings that run on a route, in order; equal chains are one.
    mutating func chain(of own: [PluginBinding], withGlobal: Bool = true, at path: @autoclosure () -> String) throws(ImageError) -> (
        range: ImageRange, filtersBody: Bool
    ) {
        let global = withGlobal ? globalPlugins : []
        if global.count + own.count > Limits.bindingsPerRouteMax {
            throw ImageError(
                path: path(), found: "\(global.count + own.count) bindings, global ones included",
                allowed: "at most \(Limits.bindingsPerRouteMax)")
        }
        var chain: [UInt32] = []
        var placed = Array(repeating: false, count: own.count)
        for (i, b) in global.enumerated() {
            if let j = own.indices.first(where: { !placed[$0] && own[$0].name == b.name }) {
                placed[j] = true
                chain.append(try bindingRecord(own[j], at: path() + "[\(j)]"))
            } else if !own.contains(where: { $0.name == b.name }) {
                chain.append(try bindingRecord(b, at: "global_plugins[\(i)]"))
            }
        }
        for (j, b) in own.enumerated() where !placed[j] { chain.append(try bindingRecord(b, at: path() + "[\(j)]")) }
        let filters = chain.contains { i in
            let b = bindings[Int(i)]
            let canary = b.alternative == .max ? nil : bindings[Int(b.alternative)]
            return filtersBody(b) || canary.map(filtersBody) == true
        }
        if let known = chainIndex[chain] { return (known, filters) }
        let range = ImageRange(offset: UInt32(chains.count), count: UInt32(chain.count))  // made a byte offset by `assemble`
        chains += chain
        chainIndex[chain] = range
        return (range, filters)
    }
    /// A quarantined plugin runs no filter.
    private func filtersBody(_ b: BindingRecord) -> Bool {
        let a = artifacts[Int(b.plugin)]
        return a.filtersBody && !a.isQuarantined
    }
}
