# SPDX-License-Identifier: Apache-2.0
# Redshank: an eBPF-based runtime threat sensor. `make help` lists the targets.

HOST_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
ARCH	?= $(HOST_ARCH)
OUT	?= build$(if $(filter-out $(HOST_ARCH),$(ARCH)),/$(ARCH))
# What builds with other compiler flags share with the plain one: BPF objects, generated code.
SHARED	?= $(OUT)
GEN	:= $(SHARED)/gen
CC	?= cc
CLANG	?= clang
BPFTOOL	?= $(shell PATH=$$PATH:/usr/sbin:/sbin command -v bpftool || echo bpftool)
PROTOC_C ?= protoc-c
PKG_CONFIG ?= pkg-config
VERSION	:= $(shell cat VERSION)
PREFIX	?= /usr/local

# As many jobs as CPUs; -jN on the command line wins.
ifeq ($(MAKELEVEL)$(filter clean,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# ARCH=arm64 on another machine: its compiler and libraries, these in a tree of their own. What runs
# while building (clang, bpftool, protoc-c) stays this machine's.
ifneq ($(ARCH),$(HOST_ARCH))
$(if $(filter arm64,$(ARCH)),,$(error ARCH=$(ARCH) can be built only where it runs; arm64 anywhere))
CROSS	:= aarch64-linux-gnu
SYSROOT	:= $(abspath $(SHARED))/sysroot
CC	:= $(CROSS)-gcc --sysroot=$(SYSROOT)
AR	:= $(CROSS)-ar
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	      PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(CROSS)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig pkg-config
endif

LIBS	:= libbpf libelf zlib libprotobuf-c sqlite3 libcurl yaml-0.1 jansson libpcre2-8 libutf8proc libcrypto
# YARA is not needed, but taken where it is.
ifeq ($(shell $(PKG_CONFIG) --exists yara && echo yes),yes)
LIBS	+= yara
YARA	:= -DREDSHANK_YARA
endif
CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
REDSHANK_CFLAGS := -std=c11 -D_GNU_SOURCE -DREDSHANK_VERSION='"$(VERSION)"' -pthread $(WARN) \
		   -fstack-protector-strong -fPIE -Iuser -Ibpf -isystem $(GEN)
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v2 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Werror \
	      -Wno-unused-parameter -Wno-missing-declarations -Ivmlinux/$(ARCH) -Ibpf -Ibpf/lib

# A new .c file is found here, nothing else to edit.
BPF_SRC	:= $(wildcard bpf/*.bpf.c)
USER_SRC := $(wildcard user/*/*.c user/*.c)
PROTO_SRC := $(shell find proto -name '*.proto')

BPF_OBJ	:= $(BPF_SRC:%.c=$(SHARED)/%.o)
PB_C	:= $(PROTO_SRC:proto/%.proto=$(GEN)/%.pb-c.c)
PB_OBJ	:= $(PROTO_SRC:proto/%.proto=$(OUT)/pb/%.o)
USER_OBJ := $(USER_SRC:%.c=$(OUT)/%.o)
MAIN_OBJ := $(OUT)/user/main.o
LIB	:= $(OUT)/libredshank.a
SKEL	:= $(GEN)/redshank.skel.h

LINK_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lm

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OUT)/redshank ## build build/redshank (default)

$(SHARED)/.deps-ok: deploy/deps
	@mkdir -p $(@D)
	@deploy/deps check build
ifdef CROSS
	@deploy/deps check arm64
	@deploy/sysroot arm64 $(SYSROOT) $$(deploy/deps libraries)
endif
	@touch $@

# --- BPF: one object per domain, linked into one, one skeleton ---

$(SHARED)/bpf/%.bpf.o: bpf/%.bpf.c | $(SHARED)/.deps-ok
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# Made anew when a file comes or goes: what was linked in must not stay.
$(SHARED)/redshank.bpf.o: $(BPF_OBJ) $(SHARED)/bpf/list
	$(BPFTOOL) gen object $@ $(BPF_OBJ)

$(SHARED)/bpf/list: FORCE
	@mkdir -p $(@D)
	@echo '$(BPF_OBJ)' | cmp -s - $@ || echo '$(BPF_OBJ)' >$@

$(SKEL): $(SHARED)/redshank.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name redshank_bpf > $@

# --- protobuf ---

$(GEN)/%.pb-c.c: proto/%.proto | $(SHARED)/.deps-ok
	@mkdir -p $(GEN)
	$(PROTOC_C) -Iproto --c_out=$(GEN) $<

$(OUT)/pb/%.o: $(GEN)/%.pb-c.c $(PB_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c11 -fPIE -isystem $(GEN) -c $< -o $@

# --- user space ---

$(OUT)/user/%.o: user/%.c $(SKEL) $(PB_C) VERSION
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(REDSHANK_CFLAGS) -MMD -MP -c $< -o $@

# libyara may come after the first build.
$(OUT)/user/scan/yara.o: REDSHANK_CFLAGS += $(YARA)
$(OUT)/user/scan/yara.o: $(OUT)/yara-is
$(OUT)/yara-is: FORCE
	@mkdir -p $(@D)
	@echo '$(YARA)' | cmp -s - $@ || echo '$(YARA)' >$@

$(LIB): $(filter-out $(MAIN_OBJ),$(USER_OBJ)) $(PB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(OUT)/redshank: $(MAIN_OBJ) $(LIB)
	$(CC) $(CFLAGS) -pthread -pie -Wl,-z,relro,-z,now $^ $(LINK_LIBS) -o $@

# DESTDIR is for packages. A configuration that is there already stays.
install: all ## program, rules, systemd unit, configuration below PREFIX (/usr/local) and /etc
	install -D -m 755 $(OUT)/redshank $(DESTDIR)$(PREFIX)/sbin/redshank
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' deploy/redshank.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/redshank.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/redshank.service
	test -e $(DESTDIR)/etc/redshank/redshank.yaml || \
		install -D -m 644 deploy/redshank.yaml $(DESTDIR)/etc/redshank/redshank.yaml
	install -d $(DESTDIR)/etc/redshank/rules.d
	cd rules && find . -name '*.yml' -exec \
		install -D -m 644 {} $(abspath $(DESTDIR)/$(PREFIX)/share/redshank/rules)/{} \;

run: deps-build all ## install what is needed, build, start the sensor (as root)
	$(OUT)/redshank run

deps: ## install what building and testing need (apt, dnf or apk; as root)
	@deploy/deps install
ifdef CROSS
	@deploy/deps install arm64
endif

deps-build:
	@deploy/deps install build

# Nothing is compiled before what was asked to be installed is there, also with -j.
$(SHARED)/.deps-ok: | $(filter deps,$(MAKECMDGOALS:check=deps)) $(if $(filter run,$(MAKECMDGOALS)),deps-build)

clean: ## remove build outputs
	rm -rf $(OUT)

help: ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

include tests/tests.mk

.PHONY: FORCE all install run deps deps-build clean help

-include $(BPF_OBJ:.o=.d) $(USER_OBJ:.o=.d)
