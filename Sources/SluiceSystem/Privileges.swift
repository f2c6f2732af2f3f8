// Giving up root: from names to numbers, then groups, group, user in that order, and a check that there is no way back.
// A process that could not give up what it should must not go on.
import CSluiceSys

/// The user and group that workers and the control process run as.
public struct Identity: Equatable, Sendable {
    public var userName: String
    public var user: uid_t
    public var group: gid_t

    /// Looks names up in the system's user database. An empty `group` means the user's own group.
    /// - Throws: SystemError whose action names the missing user or group.
    public init(user name: String, group groupName: String = "") throws(SystemError) {
        __errno_location().pointee = 0
        guard let entry = getpwnam(name) else {
            throw SystemError(Errno.current.rawValue == 0 ? .noEntry : .current, "find user \(name)", cure: "create it, or change `user`")
        }
        userName = name
        user = entry.pointee.pw_uid
        group = entry.pointee.pw_gid
        if groupName.isEmpty { return }
        __errno_location().pointee = 0
        guard let entry = getgrnam(groupName) else {
            throw SystemError(
                Errno.current.rawValue == 0 ? .noEntry : .current, "find group \(groupName)", cure: "create it, or change `group`")
        }
        group = entry.pointee.gr_gid
    }
}

public enum Privileges {
    public static var isRoot: Bool { geteuid() == 0 }

    /// Becomes `identity` for good: supplementary groups of that user, group, user. Checks that root cannot be had back.
    /// A process that runs as that user and group already passes; any other that is not root fails.
    public static func become(_ identity: Identity) throws(SystemError) {
        if !isRoot {
            if geteuid() == identity.user && getegid() == identity.group { return }
            throw SystemError(
                .notPermitted, "become user \(identity.userName)", cure: "start sluiced as root, or remove `user` and `group`")
        }
        try check("set the groups of user \(identity.userName)") { initgroups(identity.userName, identity.group) }
        try check("become group \(identity.group)") { setgid(identity.group) }
        try check("become user \(identity.userName)") { setuid(identity.user) }
        let stuck = getuid() == identity.user && geteuid() == identity.user && getgid() == identity.group && getegid() == identity.group
        guard stuck, identity.user == 0 || setuid(0) != 0 else {
            throw SystemError(
                .notPermitted, "give up root for user \(identity.userName)", cure: "the kernel let root back in: refuse to run")
        }
    }

    /// No program started from here on gains rights by set-user-id bits or file capabilities.
    public static func forbidNewPrivileges() throws(SystemError) {
        try check("forbid new privileges") { cs_prctl(PR_SET_NO_NEW_PRIVS, 1) }
    }
}

extension Files {
    /// Makes `owner` the owner of a file or directory (not of what is in it). Needs root.
    public static func give(_ path: String, to owner: Identity) throws(SystemError) {
        try check("give \(path) to user \(owner.userName)") { lchown(path, owner.user, owner.group) }
    }
}
