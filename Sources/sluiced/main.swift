// `sluiced`: the master, and the children it starts from the same executable. Only the choice of the role stands here.
import SluiceMaster
import SluiceSystem
import SluiceWorker

func complain(_ text: String) {
    var line = "sluiced: \(text)\n"
    line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

do {
    let arguments = try Arguments.parse(Array(CommandLine.arguments.dropFirst()))
    switch arguments.role {
    case .master(let imageFd): exit(Master.run(imageFd: imageFd))
    case .worker(let index):
        try ChildStart.settle(arguments)
        WorkerProcess.run(index: index)
    case .probe:
        try ChildStart.settle(arguments)
        ProbeProcess.run()
    case .control(let program, let configPath):
        try ChildStart.settle(arguments)
        try ChildStart.becomeControl(program: program, configPath: configPath)
    case .benchPlugin(let words): BenchProcess.run(words)
    case .version: print("sluiced \(Version.text)")
    case .help: print(Arguments.usage)
    }
} catch let problem as Arguments.Problem {
    complain("\(problem)\n\(Arguments.usage)")
    exit(64)
} catch {
    complain("\(error)")
    exit(1)
}
