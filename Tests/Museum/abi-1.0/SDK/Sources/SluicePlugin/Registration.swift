// How the host finds the plugin's type: the C entry (swift.h) calls the functions here, they call the one line in which
// the plugin registers, and hooks arrive through a class per plugin type, so that the C side needs no generics.
import CSluiceABI

/// Names the plugin of this file. Called once, in `@c(sluice_swift_plugin) public func plugin() { register(Hello.self) }`.
public func register<P: Plugin>(_ type: P.Type) {
    Registered.phases = P.phases
    Registered.make = { (config) throws(ConfigurationError) in Instance(try P(config)) }
}

enum Registered {
    nonisolated(unsafe) static var phases: Phases = []
    nonisolated(unsafe) static var make: ((JSON) throws(ConfigurationError) -> AnyInstance)? = nil
    nonisolated(unsafe) static var filter: UnsafeMutablePointer<sluice_filter_v1>? = nil
}

/// One configured plugin behind the C contract's `instance`.
class AnyInstance {
    func rewrite(_ handle: OpaquePointer) -> Int32 { 0 }
    func access(_ handle: OpaquePointer) -> Int32 { 0 }
    func headerFilter(_ handle: OpaquePointer) -> Int32 { 0 }
    func bodyFilter(_ handle: OpaquePointer) -> Int32 { 0 }
    func log(_ handle: OpaquePointer) -> Int32 { 0 }
}

final class Instance<P: Plugin>: AnyInstance {
    let plugin: P
    init(_ plugin: P) { self.plugin = plugin }

    override func rewrite(_ handle: OpaquePointer) -> Int32 {
        var request = Request(handle)
        return plugin.rewrite(&request).status
    }
    override func access(_ handle: OpaquePointer) -> Int32 {
        var request = Request(handle)
        return plugin.access(&request).status
    }
    override func headerFilter(_ handle: OpaquePointer) -> Int32 {
        var response = Response(handle)
        return plugin.headerFilter(&response).status
    }
    override func bodyFilter(_ handle: OpaquePointer) -> Int32 {
        var body = Body(handle)
        return plugin.bodyFilter(&body).status
    }
    override func log(_ handle: OpaquePointer) -> Int32 {
        plugin.log(Exchange(handle))
        return 0
    }
}

extension Verdict {
    var status: Int32 {
        switch self {
        case .next: Int32(SLUICE_CONTINUE)
        case .answered: Int32(SLUICE_ANSWERED)
        case .failed: Int32(SLUICE_EFAULT)
        }
    }
}

@inline(__always) private func call(_ instance: UnsafeMutableRawPointer?, _ body: (AnyInstance) -> Int32) -> Int32 {
    Unmanaged<AnyInstance>.fromOpaque(instance.unsafelyUnwrapped)._withUnsafeGuaranteedRef(body)
}

@c(sluice_swift_init) public func sluiceSwiftInit(
    _ host: UnsafePointer<sluice_host>?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> Int32 {
    guard let host, Tables.fetch(host) else { return Int32(SLUICE_ENOTFOUND) }
    sluice_swift_plugin()
    guard Registered.make != nil else {
        log(.error, "sluice_swift_plugin registered no plugin")
        return Int32(SLUICE_EFAULT)
    }
    let phases = Registered.phases
    let table = UnsafeMutablePointer<sluice_filter_v1>.allocate(capacity: 1)
    table.initialize(to: sluice_filter_v1())
    table.pointee.size = UInt32(MemoryLayout<sluice_filter_v1>.size)
    table.pointee.configure = configure
    table.pointee.release = { _, instance in if let instance { Unmanaged<AnyInstance>.fromOpaque(instance).release() } }
    if phases.contains(.rewrite) { table.pointee.rewrite = { i, h in call(i) { $0.rewrite(h.unsafelyUnwrapped) } } }
    if phases.contains(.access) { table.pointee.access = { i, h in call(i) { $0.access(h.unsafelyUnwrapped) } } }
    if phases.contains(.headerFilter) { table.pointee.header_filter = { i, h in call(i) { $0.headerFilter(h.unsafelyUnwrapped) } } }
    if phases.contains(.bodyFilter) { table.pointee.body_filter = { i, h in call(i) { $0.bodyFilter(h.unsafelyUnwrapped) } } }
    if phases.contains(.log) { table.pointee.log = { i, h in call(i) { $0.log(h.unsafelyUnwrapped) } } }
    Registered.filter = table
    return Int32(SLUICE_OK)
}

private let configure:
    @convention(c) (
        UnsafeMutableRawPointer?, sluice_view, UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutablePointer<sluice_error>?
    ) -> Int32 = {
        _, config, instance, room in
        do throws(ConfigurationError) {
            let json = try JSON.parse(Bytes(config))
            instance?.pointee = Unmanaged.passRetained(try Registered.make.unsafelyUnwrapped(json)).toOpaque()
            return Int32(SLUICE_OK)
        } catch {
            if let room { error.description.withCString { sluice_error_write(room, $0) } }
            return Int32(SLUICE_EINVAL)
        }
    }

@c(sluice_swift_destroy) public func sluiceSwiftDestroy(_ state: UnsafeMutableRawPointer?) {
    Registered.filter?.deallocate()
    Registered.filter = nil
    Registered.make = nil
}

@c(sluice_swift_get_extension) public func sluiceSwiftGetExtension(_ state: UnsafeMutableRawPointer?, _ id: UnsafePointer<CChar>?)
    -> UnsafeRawPointer?
{
    guard let id, let filter = Registered.filter, String(cString: id) == SLUICE_FILTER_1 else { return nil }
    return UnsafeRawPointer(filter)
}
