# SPDX-License-Identifier: Apache-2.0
# How tests are built. How suites are found, run and counted is told in tests/run; a new test file
# needs no line here or there.

UNIT	:= $(patsubst %.c,$(OUT)/%,$(wildcard tests/unit/test_*.c))
BPF_TESTS := $(patsubst %.c,$(OUT)/%,$(wildcard tests/bpf/test_*.c))
BPF_TEST_SRC := $(wildcard tests/bpf/*.bpf.c)
BPF_TEST_SKEL := $(BPF_TEST_SRC:tests/bpf/%.bpf.c=$(OUT)/tests/gen/%.skel.h)
OTLP_TESTS := $(patsubst %.c,$(OUT)/%,$(wildcard tests/otlp/*.c))
TRIGGERS := $(patsubst %.c,$(OUT)/%,$(wildcard tests/trigger/*.c))
BENCH	:= $(patsubst %.c,$(OUT)/%,$(wildcard tests/bench/*.c))
FUZZERS	:= $(patsubst %.c,$(OUT)/%,$(wildcard tests/fuzz/fuzz_*.c))
SEEDS	:= $(OUT)/tests/fuzz/seeds
TEST_PROGRAMS := $(UNIT) $(BPF_TESTS) $(OTLP_TESTS) $(TRIGGERS) $(BENCH)

SANITIZE := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=address,undefined
FUZZ_SECONDS ?= 300
RUN_TESTS := tests/run --out $(OUT)

$(OUT)/.deps-test-ok: deploy/deps | $(SHARED)/.deps-ok
	@mkdir -p $(@D)
	@deploy/deps check test
	@touch $@

# --- one program per file, linked with the library ---

TEST_CC = $(CC) $(CFLAGS) $(REDSHANK_CFLAGS) -MMD -MP -MF $@.d -MT $@
TEST_LINK = $(LIB) $(LINK_LIBS)

$(UNIT): $(OUT)/%: %.c $(LIB) | $(OUT)/.deps-test-ok
	@mkdir -p $(@D)
	$(TEST_CC) $< $(TEST_LINK) -lcmocka -o $@

$(OTLP_TESTS) $(BENCH) $(SEEDS): $(OUT)/%: %.c $(LIB) | $(OUT)/.deps-test-ok
	@mkdir -p $(@D)
	$(TEST_CC) $< $(TEST_LINK) -o $@

# --- BPF helpers called by BPF_PROG_RUN: each object has a skeleton of its own ---

$(OUT)/tests/bpf/%.bpf.o: tests/bpf/%.bpf.c | $(OUT)/.deps-test-ok
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/tests/gen/%.skel.h: $(OUT)/tests/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name $* > $@

$(BPF_TESTS): $(OUT)/%: %.c $(LIB) $(BPF_TEST_SKEL) | $(OUT)/.deps-test-ok
	@mkdir -p $(@D)
	$(TEST_CC) -isystem $(OUT)/tests/gen $< $(TEST_LINK) -lcmocka -o $@

$(OUT)/tests/bench/hooks: CFLAGS += -isystem $(OUT)/tests/gen
$(OUT)/tests/bench/hooks: $(OUT)/tests/gen/empty.skel.h

# --- triggers do one thing to be seen; static, so that they run in any container ---
$(OUT)/tests/trigger/user_exec: CFLAGS += -Wl,-Ttext-segment=0x60000000

$(TRIGGERS): $(OUT)/%: %.c | $(OUT)/.deps-test-ok
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c11 -D_GNU_SOURCE $(WARN) -pthread -static -MMD -MP -MF $@.d -MT $@ $< -o $@

# --- the same sources under sanitizers, and by clang for libFuzzer ---

asan-programs: $(OUT)/redshank $(UNIT) $(OTLP_TESTS)
fuzz-programs: $(FUZZERS) $(SEEDS)

asan-build: all
	+@$(MAKE) --no-print-directory SHARED=$(SHARED) OUT=$(OUT)/asan CFLAGS='$(SANITIZE)' asan-programs

# Warnings are gcc's task: clang has other opinions.
fuzz-build: all
	+@$(MAKE) --no-print-directory SHARED=$(SHARED) OUT=$(OUT)/fuzz CC=$(CLANG) WARN= \
		CFLAGS='$(SANITIZE) -fsanitize=fuzzer-no-link' fuzz-programs

$(FUZZERS): $(OUT)/%: %.c $(LIB) | $(OUT)/.deps-test-ok
	@mkdir -p $(@D)
	$(TEST_CC) -fsanitize=fuzzer $< $(TEST_LINK) -o $@

# --- what to run ---

check: deps all test-programs asan-build fuzz-build ## deps, build, every test (as root)
	@$(RUN_TESTS) format deps unit asan golden bpf otlp rules live vm deploy fuzz

test-programs: $(TEST_PROGRAMS)

check-unit: $(UNIT) ## unit tests alone
	@$(RUN_TESTS) unit

check-golden: all $(UNIT) ## recordings replayed: decoding, detection, encoding
	@$(RUN_TESTS) golden

check-bpf: $(BPF_TESTS) ## BPF helpers run one by one in the kernel (root)
	@$(RUN_TESTS) bpf

check-otlp: all $(OTLP_TESTS) ## forwarding to an HTTP server of our own
	@$(RUN_TESTS) otlp

check-rules: all ## Sigma: conformance, against a second evaluator, the public corpus
	@$(RUN_TESTS) rules

check-live: all $(TRIGGERS) ## the sensor on this kernel (root)
	@$(RUN_TESTS) live

check-vm: all $(TRIGGERS) ## the sensor on the kernels of tests/vm/kernels.txt, in QEMU (a quarter of an hour)
	@deploy/deps check live && deploy/deps check vm
	@$(RUN_TESTS) vm

check-vm-all: all $(TRIGGERS) ## and what takes long there and seldom finds anything (half an hour)
	@deploy/deps check live && deploy/deps check vm
	@tests/vm/run --out $(OUT) --all

check-vm-arm64: ## the same on arm64 kernels, with a sensor built for them (8 minutes)
	+@$(MAKE) --no-print-directory ARCH=arm64 check-vm \
		OUT=$(OUT)$(if $(filter-out arm64,$(ARCH)),/arm64)

check-deploy: all $(TRIGGERS) ## systemd unit and container image, started (root)
	@$(RUN_TESTS) deploy

asan: asan-build ## unit, golden and rule tests under AddressSanitizer and UBSan
	@$(RUN_TESTS) asan

fuzz: fuzz-build ## libFuzzer, FUZZ_SECONDS (300) per target
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(RUN_TESTS) fuzz

fuzz-short: fuzz-build ## libFuzzer, 10 s per target, as in check
	@FUZZ_SECONDS=10 $(RUN_TESTS) fuzz

bench-kernel: $(BENCH) ## what each hook variant costs in the kernel (root; 1 minute)
	@$(OUT)/tests/bench/hooks 1

bench-kernel-vm: all $(BENCH) ## the same on each kernel of the matrix, emulated: compare ratios only
	@deploy/deps check live && deploy/deps check vm
	@tests/vm/run --out $(OUT) --bench

bench-rules: $(OUT)/tests/bench/sigma ## what rules cost, against their number (1 minute)
	@$(OUT)/tests/bench/sigma $(RULES)

bench: all $(BENCH) ## what the sensor costs, as ratios (root; 3 minutes)
	@tests/bench/run.py --out $(OUT)

check-deps: ## who includes what, file sizes, licence lines
	@$(RUN_TESTS) deps

check-format: ## is everything as .clang-format says?
	@$(RUN_TESTS) format

docs: $(OUT)/tests/unit/test_events_md $(OUT)/tests/unit/test_rule_fields_md $(OUT)/tests/unit/test_detectors ## write the pages made from tables
	$(OUT)/tests/unit/test_events_md --print >docs/events.md
	$(OUT)/tests/unit/test_rule_fields_md --print >docs/rule-fields.md
	$(OUT)/tests/unit/test_detectors --print >docs/detectors.md

format: ## make it so (clang-format 14)
	find user bpf tests -name '*.[ch]' -exec clang-format -i {} +

.PHONY: check bench bench-rules bench-kernel bench-kernel-vm test-programs asan-programs fuzz-programs asan-build fuzz-build asan fuzz fuzz-short \
	check-unit check-golden check-bpf check-otlp check-rules check-live check-vm check-vm-all check-vm-arm64 check-deploy check-deps \
	check-format docs format

-include $(addsuffix .d,$(TEST_PROGRAMS) $(FUZZERS) $(SEEDS))
-include $(BPF_TEST_SRC:%.c=$(OUT)/%.d)
