// A child's first steps, before any code of its role runs: bound to the master's life, no root, no way back to it.
import SluiceSystem

public enum ChildStart {
    /// [first call of a worker or control process] Dies with the master from here on; becomes `user` for good.
    /// - Throws: SystemError when root cannot be given up: the process must not go on.
    public static func settle(_ arguments: Arguments) throws(SystemError) {
        if !arguments.user.isEmpty { try Privileges.become(Identity(user: arguments.user, group: arguments.group)) }
        try Privileges.forbidNewPrivileges()
        // After the change of user, which would undo it.
        if let parent = arguments.parent { try ChildProcess.dieWithParent(parent) }
        Signals.ignoreBrokenPipes()
    }

    /// Becomes the control process; returns only by throwing. The channel is descriptor 3.
    public static func becomeControl(program: String, configPath: String) throws(SystemError) -> Never {
        try ChildProcess.replace(program, ["sluice", "control", "--channel-fd", "3", "--config", configPath])
    }
}
