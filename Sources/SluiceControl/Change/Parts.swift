// The real parts behind the protocols of this module: plugin inspector, image compiler, folders of this installation.
import Foundation
import SluiceInspect
import SluiceModel
import SluiceRules
import SluiceSystem

enum Parts {
    static func library() -> PluginLibrary {
        let program = (try? ChildProcess.executablePath()) ?? CommandLine.arguments[0]
        return PluginLibrary(
            inspector: ElfInspector(), folders: PluginLibrary.folders(program: program, environment: ProcessInfo.processInfo.environment))
    }
    /// What hashes and seals secrets with the key of this state directory.
    static func keeper(_ directory: StateDirectory) throws -> any SecretKeeping { try SecretKeeper(stateDirectory: directory.path) }
    static func compiler(_ resolver: NameResolver) -> RulesCompiler { RulesCompiler(resolver: resolver) }

    /// Paths of the state, pid file and logs from the working directory of `sluice run`: every process means the same file.
    static func absolute(_ configuration: Configuration) -> Configuration {
        var out = configuration
        out.stateDirectory = FileIO.absolute(out.stateDirectory)
        out.pidFile = out.pidFile.map { FileIO.absolute($0) }
        out.log.errorPath = out.log.errorPath.map { FileIO.absolute($0) }
        out.log.accessPath = out.log.accessPath.map { FileIO.absolute($0) }
        return out
    }
}

/// The ELF and manifest reader.
struct ElfInspector: PluginInspecting {
    func inspect(path: String) throws -> PluginFacts {
        let found = try PluginInspector.inspect(path: path)
        return PluginFacts(
            name: found.name, version: found.version, vendor: found.vendor, license: found.license, language: found.language,
            concurrency: found.concurrency, phases: found.phases, isSwift: found.isSwift, failOpen: found.failureMode == "open",
            needs: found.needs, capabilities: found.capabilities, configSchema: found.configSchemaJSON, sha256: found.sha256Hex,
            digest: found.digest64, fileBytes: found.fileBytes, manifestJSON: found.manifestJSON)
    }
}

/// The image compiler.
struct RulesCompiler: ImageCompiling {
    let resolver: NameResolver
    /// One image after the other: `Control` makes its changes alone.
    private let cache = ImageCache()
    init(resolver: NameResolver) { self.resolver = resolver }

    func compile(_ configuration: Configuration, state: ControlState, configPath: String) throws -> [UInt8] {
        let plugins = Dictionary(uniqueKeysWithValues: state.plugins.map { ($0.name, artifact($0, state)) })
        let canaries = state.canaries.mapValues {
            PluginCanary(artifact: artifact($0.plugin, state), share: UInt32($0.sharePercent / 100 * 4_294_967_296))
        }
        let resolver = self.resolver, slots = state.routeSlots
        let libraries = try FunctionLibraries.stage(
            configuration.functions, configFolder: (configPath as NSString).deletingLastPathComponent,
            stateDirectory: FileIO.absolute(configuration.stateDirectory))
        let conditions = ConditionCompiler(configuration)
        return try ImageBuilder(
            configuration: Parts.absolute(configuration), revision: state.revision, resolve: { try records(resolver.answer($0)) },
            routeSlot: { slots.slot($0) }, plugin: { plugins[$0] }, canary: { canaries[$0] }, configPath: configPath,
            library: { libraries[$0] }, program: { try conditions.program($0, use: $1, addressSet: $2) }
        ).build(cache)
    }

    private func artifact(_ plugin: LoadedPlugin, _ state: ControlState) -> PluginArtifact {
        PluginArtifact(
            name: plugin.name, version: plugin.version, path: plugin.copyPath, generation: plugin.generation, digest: plugin.digest,
            statSlot: state.pluginSlots.slot(plugin.label), isSwift: plugin.isSwift, failOpen: plugin.failOpen,
            filtersBody: plugin.filtersBody, makesContent: plugin.phases.contains("content"), isQuarantined: plugin.isQuarantined,
            capabilities: Capability.bits(plugin.capabilitiesGranted.filter(plugin.capabilitiesAsked.contains)))
    }

    private func records(_ answer: NameResolver.Answer) throws -> [AddressRecord] {
        switch answer {
        case .problem(let why): throw FileProblem(text: why)
        case .addresses(let list):
            return list.compactMap { bytes in bytes.withUnsafeBytes { AddressRecord(sockaddr: $0.baseAddress!, length: bytes.count) } }
        }
    }
}

/// The image that the workers run, as a control process that starts finds it.
struct RunningImage {
    var bytes: [UInt8]
    var stateDirectory: String?

    static func read(descriptor: Int32) throws -> RunningImage {
        let mapping = try Mapping(descriptor, count: try Descriptor.size(descriptor), writable: false)
        defer { mapping.unmap() }
        let view = try ImageView(base: UnsafeRawPointer(mapping.base), count: mapping.count)
        let text = view.text(view.settings.pointee.stateDirectory).string
        return RunningImage(bytes: Array(mapping.bytes), stateDirectory: text.isEmpty ? nil : text)
    }
}
