// `sluice control`: started by the master, not by people.
import ArgumentParser
import Foundation

struct ControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control", abstract: "The control process; the master starts it.", shouldDisplay: false)
    @Option(help: "Descriptor of the channel to the master.") var channelFd: Int32
    @Option(help: "The configuration file.") var config: String

    func run() async throws {
        do {
            try await ControlProcess.run(channelDescriptor: channelFd, configPath: config)
        } catch {
            ControlLog.write(.error, "control process cannot start: \(error)")
            throw ExitCode(1)
        }
    }
}
