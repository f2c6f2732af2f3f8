// The functions behind the C entry (sluice_swift.h). The tables that they hand out are made in `PluginTables.swift`.
import CSluiceABI
import CSluiceSwift

@c(sluice_swift_init) public func sluiceSwiftInit(
    _ host: UnsafePointer<sluice_host>?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> Int32 {
    guard let host, Tables.fetch(host) else { return Int32(SLUICE_ENOTFOUND) }
    sluice_swift_plugin()
    guard let type = Registered.type else {
        log(.error, "sluice_swift_plugin registered no plugin")
        return Int32(SLUICE_EFAULT)
    }
    guard type.hooks.both.isEmpty else {
        log(.error, "\(type.name) has a synchronous and an asynchronous hook for one phase; one of them is allowed")
        return Int32(SLUICE_EFAULT)
    }
    Registered.tables = PluginTables(type)
    return Int32(SLUICE_OK)
}

@c(sluice_swift_destroy) public func sluiceSwiftDestroy(_ state: UnsafeMutableRawPointer?) {
    Registered.tables?.free()
    (Registered.tables, Registered.type) = (nil, nil)
}

@c(sluice_swift_get_extension) public func sluiceSwiftGetExtension(_ state: UnsafeMutableRawPointer?, _ id: UnsafePointer<CChar>?)
    -> UnsafeRawPointer?
{
    guard let id, let tables = Registered.tables else { return nil }
    switch String(cString: id) {
    case SLUICE_FILTER_1: return UnsafeRawPointer(tables.filter)
    case SLUICE_ROUTING_1: return tables.routing.map { UnsafeRawPointer($0) }
    case SLUICE_WORKER_1: return UnsafeRawPointer(tables.worker)
    default: return nil
    }
}
