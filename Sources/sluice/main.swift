// The `sluice` command: everything is in SluiceControl; read `Commands/SluiceCommand.swift` next.
import SluiceControl

await SluiceCommand.start()
