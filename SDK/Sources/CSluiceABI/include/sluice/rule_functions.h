/* "sluice.rule-functions/1", the plugin's side: plain C functions that rules call by name, as in `geo.country(source.address) == "DE"`. The
   host reads the list once, after init, and calls each function through a call interface made from its signature; arguments are
   checked when a rule is compiled. A signature that is not the function's own cannot be found out: calls would be garbage.

   A signature is RESULT(ARGUMENT, …) with at most 8 arguments; in C the types are
     bool    int32_t, 0 or 1 (any other value counts as 1)
     int     int64_t
     double  double
     string  sluice_view by value; bytes as they were sent, not checked to be UTF-8
     bytes   sluice_view by value
     ip      sluice_ip by value
   so "string(ip, int)" is `sluice_view country(sluice_ip address, int64_t level)`. An argument is valid until the function returns. A string or
   bytes result may point anywhere that stays until the next call (a static buffer, the plugin's tables); the host copies it into the
   request's memory, at most 64 KiB. A result with data NULL and size 0 says "no value", which a rule sees as an error of the
   call; empty text has a pointer. Bracket of the functions: [worker | rules, in any phase | must not park]. */
#ifndef SLUICE_RULE_FUNCTIONS_H
#define SLUICE_RULE_FUNCTIONS_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_RULE_FUNCTIONS_1 "sluice.rule-functions/1"

/* An IP address in network order; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
typedef struct sluice_ip {
  uint8_t bytes[16];
} sluice_ip;

enum {
  SLUICE_FUNCTION_PURE = 1, /* same arguments, same result, no effect: calls may be shared, moved or left out */
};

typedef struct sluice_rule_function {
  const char *name;      /* [a-z][a-z0-9_]{0,63} */
  const char *space;     /* the same, or NULL: the plugin's name with '_' for '-' */
  const char *signature; /* at most 128 bytes */
  void (*function)(void); /* SLUICE_FUNCTION(country) */
  uint32_t flags;        /* SLUICE_FUNCTION_…; others are refused */
  uint32_t reserved;
} sluice_rule_function;

typedef struct sluice_rule_functions_v1 {
  /* sizeof(sluice_rule_functions_v1) as the plugin was compiled. */
  uint32_t size;
  /* How many there are, at most 64; and the size of one as the plugin was compiled. */
  uint32_t count;
  uint32_t function_size;
  uint32_t reserved;
  /* Valid until destroy. A name that another plugin or the configuration has refuses the load. */
  const sluice_rule_function *functions;
} sluice_rule_functions_v1;

#define SLUICE_FUNCTION(function) ((void (*)(void))(function))

SLUICE_STATIC_ASSERT(sizeof(sluice_ip) == 16, "sluice_ip");
SLUICE_STATIC_ASSERT(sizeof(sluice_rule_function) == 40 && offsetof(sluice_rule_function, flags) == 32, "sluice_rule_function");
SLUICE_STATIC_ASSERT(sizeof(sluice_rule_functions_v1) == 24, "sluice_rule_functions_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_rule_functions_v1, functions) == 16, "sluice_rule_functions_v1.functions");

SLUICE_END
#endif
