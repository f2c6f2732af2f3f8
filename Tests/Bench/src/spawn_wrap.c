/* Puts a command in front of every worker that the master spawns: preloaded into the master, it changes
   posix_spawn(PATH, [argv0, "--worker", …]) into SPAWN_WRAP's words followed by SPAWN_WRAP_PROGRAM and the arguments. counters.py
   runs a worker under valgrind this way, while the master and the control process run at full speed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*spawn_fn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]);

enum { WORDS_MAX = 64 };

/* The environment less the two things that would wrap the wrapped again. */
static char **clean(char *const env[]) {
  size_t n = 0, k = 0;
  while (env[n]) n++;
  char **out = calloc(n + 1, sizeof *out);
  for (size_t i = 0; out && i < n; i++)
    if (strncmp(env[i], "LD_PRELOAD=", 11) && strncmp(env[i], "SPAWN_WRAP", 10)) out[k++] = env[i];
  return out;
}

static int spawn(const char *name, pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
                 char *const argv[], char *const env[]) {
  spawn_fn real = (spawn_fn)dlsym(RTLD_NEXT, name);
  const char *wrap = getenv("SPAWN_WRAP"), *program = getenv("SPAWN_WRAP_PROGRAM");
  if (!wrap || !program || !argv[0] || !argv[1] || strcmp(argv[1], "--worker")) return real(pid, path, actions, attr, argv, env);
  char *words = strdup(wrap), *rest = NULL, *list[WORDS_MAX + 1];
  int n = 0;
  for (char *w = strtok_r(words, " ", &rest); w && n < WORDS_MAX / 2; w = strtok_r(NULL, " ", &rest)) list[n++] = w;
  list[n++] = (char *)program;
  for (int i = 1; argv[i] && n < WORDS_MAX; i++) list[n++] = argv[i];
  list[n] = NULL;
  char **e = clean(env ? env : environ);
  int status = e ? real(pid, list[0], actions, attr, list, e) : 12;
  free(e);
  free(words);
  return status;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
                char *const argv[], char *const env[]) {
  return spawn("posix_spawn", pid, path, actions, attr, argv, env);
}
int posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
                 char *const argv[], char *const env[]) {
  return spawn("posix_spawnp", pid, path, actions, attr, argv, env);
}
