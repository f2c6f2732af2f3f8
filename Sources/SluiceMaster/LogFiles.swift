// The log descriptors of the house: opened by the master with the rights it has, handed to workers by number, opened anew
// on USR1 after a rotation. A file that cannot be opened again keeps its old descriptor.
import SluiceObserve
import SluiceSystem

struct LogFiles {
    private(set) var errorPath: String
    private(set) var accessPath: String
    private(set) var logsAccess: Bool
    /// Whose files are that had to be created; nil = ours.
    private let owner: Identity?
    /// Never -1: standard error when no path is configured.
    private(set) var error: Int32 = -1
    /// -1 when there is no access log.
    private(set) var access: Int32 = -1

    init(_ s: MasterSettings, owner: Identity?) throws {
        (errorPath, accessPath, logsAccess) = (s.errorLogPath, s.accessLogPath, s.logsAccess)
        self.owner = owner
        error = try LogFiles.open(errorPath, standard: 2, owner)
        do {
            if logsAccess { access = try LogFiles.open(accessPath, standard: 1, owner) }
        } catch let failure {
            Descriptor.close(error)
            throw failure
        }
    }

    /// A descriptor of our own in each case, so that closing is always right.
    private static func open(_ path: String, standard: Int32, _ owner: Identity?) throws -> Int32 {
        try path.isEmpty ? Descriptor.duplicate(standard, from: 3) : Descriptor.openLog(path, owner: owner)
    }

    /// The set for `s`: new descriptors where that works. Throws and changes nothing when it does not.
    mutating func reopen(_ s: MasterSettings) throws {
        let next = try LogFiles(s, owner: owner)
        close()
        self = next
    }
    func close() {
        Descriptor.close(error)
        Descriptor.close(access)
    }
    func differs(from s: MasterSettings) -> Bool {
        errorPath != s.errorLogPath || accessPath != s.accessLogPath || logsAccess != s.logsAccess
    }
    /// What a `logs` frame carries.
    var descriptors: [Int32] { access >= 0 ? [error, access] : [error] }
}
