import Bodies
import Glibc

/// libFuzzer's own main, which the linker leaves out in favour of this file.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

// The name comes by the environment, for libFuzzer starts itself again to merge a corpus.
let name = environment("VIREO_FUZZ")
guard FuzzTarget.named(name) != nil else {
    fail("VIREO_FUZZ names one of \(FuzzTarget.allNames), not \"\(name)\"")
}

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runDriver(&count, &arguments) { fuzzOne($0, $1) })
