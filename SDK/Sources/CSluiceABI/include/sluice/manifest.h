/* The manifest: what the plugin says about itself, as JSON text inside the file. The host reads it without running any
   code of the plugin, refuses a file whose manifest it cannot believe, and shows it in the admin API.

     {
       "name": "key-auth",                 required; [a-z0-9-]{1,64}
       "version": "1.0.0",                 required; MAJOR.MINOR.PATCH, as semver.org
       "abi": 1,                           required; SLUICE_ABI_MAJOR
       "phases": ["access"],               required; of rewrite access routing balancer content header_filter
                                           body_filter log; exactly the hooks that it has
       "vendor": "…", "license": "…",      optional texts, at most 200 bytes each; licence as SPDX expression
       "language": "c",                    optional: c c++ swift rust zig other; Swift must say so
       "concurrency": "plain",             optional: plain (never waits), fiber (hooks that may park run on fibers and use
                                           io.h), suspend (suspend.h), swift-async; default plain
       "unload": "unmap",                  optional: unmap or park; default unmap, for Swift park
       "failure_mode": "closed",           optional: closed (500 when a hook fails) or open; default closed
       "needs": ["sluice.request/1"],      optional: extensions without which init refuses
       "optional": [],                     optional: extensions it uses when the host has them
       "capabilities": [],                 optional: of http_client background dictionary network files threads crypto processes;
                                           what the operator must grant. Without the first three the host has no such table
       "config_schema": { … }              optional: JSON Schema of the object that configure gets, checked before configure is
                                           called (docs/plugins.md names the keywords)
     }

   UTF-8, at most 16 KiB, nested at most 16 deep, no duplicate and no other keys. The section holds the text itself, or, in Swift files,
   a constant StaticString that shows it: address (relocated), length, flags; 17 bytes. */
#ifndef SLUICE_MANIFEST_H
#define SLUICE_MANIFEST_H
#include <sluice/base.h>

#define SLUICE_MANIFEST_SECTION ".sluice.manifest"
#define SLUICE_MANIFEST_BYTES_MAX 16384

/* `retain` keeps the section when the linker drops what nothing refers to (--gc-sections). */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define SLUICE_RETAIN , retain
#endif
#endif
#ifndef SLUICE_RETAIN
#define SLUICE_RETAIN
#endif

/* Puts the literal into the file; once per plugin. The trailing NUL of the literal is not part of the text. */
#define SLUICE_MANIFEST(json)                                                                       \
  __attribute__((section(SLUICE_MANIFEST_SECTION), used SLUICE_RETAIN)) static const char sluice_manifest_text[] = json; \
  SLUICE_STATIC_ASSERT(sizeof(sluice_manifest_text) <= SLUICE_MANIFEST_BYTES_MAX, "the manifest is longer than 16 KiB");

#endif
