/* The manifest of a plugin for the fake host: found in the ELF file it is linked into (the test's own program, or a .so), and compared with
   the hooks that are there. The gateway's inspection is much stricter: `sluice plugin inspect`. */
#include "fake.h"
#include <elf.h>
#include <sluice/json.h>
#include <stdio.h>

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  uint8_t *data = NULL;
  size_t room = 0, n = 0;
  if (!f) return fake_say("%s cannot be read", path), NULL;
  do {
    if (n == room) data = fake_keep(realloc(data, room = room ? room * 2 : 1 << 20));
    size_t got = fread(data + n, 1, room - n, f);
    if (!got) break;
    n += got;
  } while (1);
  fclose(f);
  *size = n;
  return data;
}

char *fake_read_manifest(const char *path) {
  size_t size = 0;
  uint8_t *file = read_file(path, &size);
  char *out = NULL;
  if (!file) return NULL;
  const Elf64_Ehdr *head = (const Elf64_Ehdr *)(const void *)file;
  if (size > sizeof *head && !memcmp(file, ELFMAG, 4) && head->e_shoff < size && head->e_shnum <= (size - head->e_shoff) / sizeof(Elf64_Shdr)
      && head->e_shstrndx < head->e_shnum) {
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(const void *)(file + head->e_shoff);
    for (int i = 0; i < head->e_shnum; i++) {
      uint64_t name = sections[head->e_shstrndx].sh_offset + sections[i].sh_name, at = sections[i].sh_offset, n = sections[i].sh_size;
      if (name + sizeof SLUICE_MANIFEST_SECTION > size || memcmp(file + name, SLUICE_MANIFEST_SECTION, sizeof SLUICE_MANIFEST_SECTION)) continue;
      if (at > size || n > size - at || n > SLUICE_MANIFEST_BYTES_MAX) continue;
      out = fake_keep(calloc(1, n + 1));
      memcpy(out, file + at, n);
    }
  }
  free(file);
  if (!out) fake_say("%s: no manifest: no section " SLUICE_MANIFEST_SECTION, path);
  return out;
}

static const char *const phase_names[] = {"rewrite", "access", "header_filter", "body_filter", "log", "content", "balancer", "routing"};

static int has_hook(const fake_host *h, int phase) {
  const sluice_filter_v1 *f = &h->filter;
  const void *hooks[] = {(const void *)f->rewrite, (const void *)f->access, (const void *)f->header_filter, (const void *)f->body_filter,
                         (const void *)f->log, (const void *)f->content, (const void *)f->balancer, (const void *)h->routing.choose};
  return hooks[phase] != NULL;
}

int fake_check_manifest(fake_host *h, const char *text) {
  sluice_json manifest = sluice_json_parse(sluice_view_of(text, strlen(text))), phases, one, list;
  int named[8] = {0};
  if (!sluice_json_get(&manifest, "phases", &phases)) return fake_say("the manifest has no \"phases\", or is not JSON"), 0;
  for (sluice_json_each it = sluice_json_iterate(&phases); sluice_json_next(&it, NULL, &one);) {
    int known = 0;
    for (int i = 0; i < 8; i++) if (sluice_json_is(&one, phase_names[i])) known = named[i] = 1;
    if (!known) return fake_say("the manifest names the unknown phase %.*s", (int)one.size, one.text), 0;
  }
  for (int i = 0; i < 8; i++)
    if (named[i] != has_hook(h, i))
      return fake_say("the manifest lies: it %s phase %s, the plugin has %s hook for it", named[i] ? "names" : "does not name", phase_names[i],
                      named[i] ? "no" : "a"), 0;
  if (sluice_json_get(&manifest, "needs", &list))
    for (sluice_json_each it = sluice_json_iterate(&list); sluice_json_next(&it, NULL, &one);) {
      char id[128];
      snprintf(id, sizeof id, "%.*s", one.size > 2 ? (int)one.size - 2 : 0, one.text + 1);
      int plugins_side = !strcmp(id, SLUICE_FILTER_1) || !strcmp(id, SLUICE_ROUTING_1) || !strcmp(id, SLUICE_WORKER_1)
          || !strcmp(id, SLUICE_RULE_FUNCTIONS_1);
      if (!plugins_side && !h->table.get_extension(&h->table, id)) return fake_say("needs extension \"%s\", which this host does not have", id), 0;
    }
  if (sluice_json_get(&manifest, "concurrency", &one)) h->is_fiber = (uint32_t)sluice_json_is(&one, "fiber");
  return 1;
}
