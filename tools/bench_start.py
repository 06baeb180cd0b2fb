"""Runs on the VM: puts the folders of its first argument on sys.path, then bench_cases."""

import sys

sys.path += sys.argv[1].split(":")
del sys.argv[1]
__import__("bench_cases").main()
