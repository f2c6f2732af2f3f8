// What the host for unit tests (SluicePluginTesting) needs of the SDK beside the C contract. Plugins do not use it.
import CSluiceABI

@_spi(Testing) public enum UnderTest {
    public struct Tables {
        public let filter: UnsafePointer<sluice_filter_v1>
        public let routing: UnsafePointer<sluice_routing_v1>?
        public let worker: UnsafePointer<sluice_worker_v1>
    }

    /// Connects the SDK of this process with `host`: once.
    public static func connect(_ host: UnsafePointer<sluice_host>) -> Bool { SluicePlugin.Tables.fetch(host) }

    /// Makes `type` the one that `configure` and the worker's hooks act on. Call it before each of those, on one thread at a time.
    public static func register<P: Plugin>(_ type: P.Type) { Registered.type = PluginType(type) }

    /// New tables for `type`, never freed; nil when it has a synchronous and an asynchronous hook for one phase.
    public static func tables<P: Plugin>(_ type: P.Type) -> Tables? {
        let type = PluginType(type)
        guard type.hooks.both.isEmpty else { return nil }
        let made = PluginTables(type)
        return Tables(filter: made.filter, routing: made.routing.map { UnsafePointer($0) }, worker: made.worker)
    }

    /// The plugin behind an instance that the filter table configured.
    public static func plugin(of instance: UnsafeMutableRawPointer) -> any Plugin {
        Unmanaged<AnyInstance>.fromOpaque(instance).takeUnretainedValue().plugin
    }
}
