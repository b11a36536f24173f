import Freezing
import Glibc

exit(FreezeCommand.run(Array(CommandLine.arguments.dropFirst())))
