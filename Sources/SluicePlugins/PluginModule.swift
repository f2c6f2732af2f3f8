// One shared object in this process: opened, its entry checked, closed again with proof. Knows the dynamic loader and nothing
// of requests. The file was inspected before (SluiceInspect); still nothing of it is believed that can be checked.
import CSluiceABI
import Glibc

struct PluginModule {
    let path: String
    let handle: UnsafeMutableRawPointer
    let entry: UnsafePointer<sluice_plugin_entry>

    /// Maps the file and runs its constructors. Swift images stay mapped for ever: the runtime keeps pointers into them.
    init(opening path: String, isSwift: Bool) throws(PluginFailure) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | (isSwift ? RTLD_NODELETE : 0)) else {
            throw PluginFailure("cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "unknown error of the loader")")
        }
        do throws(PluginFailure) {
            let entry = try Self.checkedEntry(handle)
            (self.path, self.handle, self.entry) = (path, handle, entry)
        } catch {
            dlclose(handle)
            throw error
        }
    }

    private static func checkedEntry(_ handle: UnsafeMutableRawPointer) throws(PluginFailure) -> UnsafePointer<sluice_plugin_entry> {
        guard let symbol = dlsym(handle, "sluice_plugin_v1") else {
            throw PluginFailure("no entry symbol: it does not export sluice_plugin_v1")
        }
        guard Int(bitPattern: symbol) % MemoryLayout<sluice_plugin_entry>.alignment == 0 else {
            throw PluginFailure("the entry is not aligned")
        }
        let entry = UnsafeRawPointer(symbol).assumingMemoryBound(to: sluice_plugin_entry.self)
        guard entry.pointee.magic == SLUICE_MAGIC else {
            throw PluginFailure(
                "the entry has the wrong magic number 0x\(String(entry.pointee.magic, radix: 16)); declare it with SLUICE_PLUGIN")
        }
        guard entry.pointee.abi_major == UInt16(SLUICE_ABI_MAJOR) else {
            throw PluginFailure(
                "the entry speaks ABI \(entry.pointee.abi_major).\(entry.pointee.abi_minor); this host speaks \(SLUICE_ABI_MAJOR)")
        }
        guard entry.pointee.size >= UInt32(MemoryLayout<sluice_plugin_entry>.size) else {
            throw PluginFailure("the entry has \(entry.pointee.size) bytes; at least \(MemoryLayout<sluice_plugin_entry>.size) are needed")
        }
        guard entry.pointee.`init` != nil, entry.pointee.get_extension != nil else {
            throw PluginFailure("the entry has no init or no get_extension")
        }
        return entry
    }

    /// Lets the file go. True when it left the process: `dlclose` answers 0 also when it did not.
    func close() -> Bool {
        dlclose(handle)
        guard let still = dlopen(path, RTLD_LAZY | RTLD_NOLOAD) else { return true }  // asks the loader's list by name, loads nothing
        dlclose(still)
        return false
    }
}
