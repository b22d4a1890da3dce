# The whole set-up of Nacelle on a fresh Debian 12: `make run` and `make test`.

JOBS  ?= 2
BUILD := build/release

.PHONY: help setup build run test bench asan tsan tidy format clean

help:
	@echo "make run     build everything and serve the demo model on http://127.0.0.1:8080"
	@echo "make test    build and run all tests (unit, integration, client libraries)"
	@echo "make bench   shares of the machine's limits, routing comparison, component benchmarks; reports in build/bench/"
	@echo "make build   build only: $(BUILD)/nacelle"
	@echo "make asan    unit and fuzz tests under AddressSanitizer and UBSan;  make tsan: ThreadSanitizer"
	@echo "make format  clang-format in place;  make tidy: clang-tidy over src/"

setup:
	@tools/setup.sh

build: setup
	@tools/build.sh release $(JOBS)

run: build
	@exec $(BUILD)/nacelle up $(ARGS)

test: build
	@tools/test.sh

bench: build
	@tools/bench.sh

asan tsan: setup
	@tools/build.sh $@ $(JOBS)
	@ctest --preset $@ -j $(JOBS)

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format -i

tidy: setup
	@tools/build.sh dev $(JOBS)
	@git ls-files 'src/*.cc' | grep -v _avx | xargs -P $(JOBS) -n 4 clang-tidy -p build/dev --quiet

clean:
	@rm -rf build
