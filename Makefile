# SPDX-License-Identifier: Apache-2.0
# Redshank: an eBPF-based runtime threat sensor. `make help` lists the targets.

OUT	?= build
ARCH	?= $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
CC	?= cc
CLANG	?= clang
BPFTOOL	?= $(shell PATH=$$PATH:/usr/sbin:/sbin command -v bpftool || echo bpftool)
PROTOC_C ?= protoc-c
VERSION	:= $(shell cat VERSION)

LIBS	:= libbpf libelf zlib libprotobuf-c sqlite3 libcurl yaml-0.1 jansson
CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
REDSHANK_CFLAGS := -std=c11 -D_GNU_SOURCE -DREDSHANK_VERSION='"$(VERSION)"' -pthread $(WARN) \
		   -fstack-protector-strong -fPIE -Iuser -Ibpf -isystem $(OUT)/gen
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v2 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Werror \
	      -Wno-unused-parameter -Wno-missing-declarations -Ivmlinux/$(ARCH) -Ibpf -Ibpf/lib

# A new .c file is found here, nothing else to edit.
BPF_SRC	:= $(wildcard bpf/*.bpf.c)
USER_SRC := $(wildcard user/*/*.c user/*.c)
PROTO_SRC := $(shell find proto -name '*.proto')

BPF_OBJ	:= $(BPF_SRC:%.c=$(OUT)/%.o)
PB_C	:= $(PROTO_SRC:proto/%.proto=$(OUT)/gen/%.pb-c.c)
PB_OBJ	:= $(PB_C:%.c=%.o)
USER_OBJ := $(USER_SRC:%.c=$(OUT)/%.o)
MAIN_OBJ := $(OUT)/user/main.o
LIB	:= $(OUT)/libredshank.a
SKEL	:= $(OUT)/gen/redshank.skel.h

LINK_LIBS = $(shell pkg-config --libs $(LIBS)) -lm

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OUT)/redshank ## build build/redshank (default)

$(OUT)/.deps-ok: scripts/deps
	@mkdir -p $(OUT)
	@scripts/deps check build
	@touch $@

# --- BPF: one object per domain, linked into one, one skeleton ---

$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c | $(OUT)/.deps-ok
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/redshank.bpf.o: $(BPF_OBJ)
	$(BPFTOOL) gen object $@ $^

$(SKEL): $(OUT)/redshank.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name redshank_bpf > $@

# --- protobuf ---

$(OUT)/gen/%.pb-c.c: proto/%.proto | $(OUT)/.deps-ok
	@mkdir -p $(OUT)/gen
	$(PROTOC_C) -Iproto --c_out=$(OUT)/gen $(PROTO_SRC)

$(OUT)/gen/%.o: $(OUT)/gen/%.c
	$(CC) $(CFLAGS) -std=c11 -fPIE -isystem $(OUT)/gen -c $< -o $@

# --- user space ---

$(OUT)/user/%.o: user/%.c $(SKEL) $(PB_C) VERSION
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(REDSHANK_CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(filter-out $(MAIN_OBJ),$(USER_OBJ)) $(PB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/redshank: $(MAIN_OBJ) $(LIB)
	$(CC) $(CFLAGS) -pthread -pie -Wl,-z,relro,-z,now $^ $(LINK_LIBS) -o $@

run: deps all ## install what is needed, build, start the sensor (as root)
	$(OUT)/redshank run

deps: ## install what building and testing need (apt, dnf or apk; as root)
	@scripts/deps install

clean: ## remove build outputs
	rm -rf $(OUT)

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

include tests/tests.mk

.PHONY: all run deps clean help

-include $(BPF_OBJ:.o=.d) $(USER_OBJ:.o=.d)
