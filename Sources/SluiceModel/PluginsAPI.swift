// Whether the admin API may load native code.

public enum PluginsAPI: String, Sendable, CaseIterable {
    /// It may not: only plugins of the file run.
    case no
    /// From files of this machine, named by absolute path.
    case local
}
