import FuzzProgram
import Fuzzing

// Without libFuzzer, which brings a main function of its own, the program replays the files that it is given.
FuzzProgram.replay(.oracle)
