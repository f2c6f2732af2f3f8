// `sluice run`: becomes the master. The file is checked and compiled first, so a gateway with a bad file never starts.
import ArgumentParser
import Foundation
import SluiceModel
import SluiceSystem

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Start the gateway in the foreground.",
        discussion: """
            Checks and compiles the file, then becomes `sluiced` with the same process id. Signals: TERM and QUIT let requests
            in flight finish, INT stops at once, HUP reads the file again, USR1 opens the logs again.
            """)

    @OptionGroup var file: FileOption

    func run() async throws {
        try await Console.run {
            let path = FileIO.absolute(file.path)
            let first: FirstRevision
            do throws(FirstRevision.Refusal) { first = try FirstRevision.make(configPath: path) } catch {
                for line in error.lines { Console.complain(line) }
                throw ExitCode(1)
            }
            let program = try ChildProcess.executablePath()
            let master = (program as NSString).deletingLastPathComponent + "/sluiced"
            guard access(master, X_OK) == 0 else {
                throw Complaint("no program \(master); allowed: sluiced beside sluice, as `make build` and `make install` put it")
            }
            let image = try SealedImage.make(first.image)
            // Descriptors that Foundation or the resolver opened are close-on-exec; the image must not be.
            guard fcntl(image, F_SETFD, 0) == 0 else { throw FileProblem("hand on", "the image") }
            try ChildProcess.replace(master, [master, "--image-fd", String(image)])
        }
    }
}
