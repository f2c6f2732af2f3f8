/* The record of a fault: what a dying or stuck process was doing, written by a signal handler into memory that another process reads.
   Only what must be async-signal-safe C lives here; who is told and what is made of it is in SluiceMaster and SluiceControl.
   Read next: fault.c. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
  CS_FAULT_FRAMES = 64,       /* return addresses of one record */
  CS_FAULT_MODULES = 24,      /* distinct files among them */
  CS_FAULT_PATH_BYTES = 248,  /* of a module's path; a longer one keeps its end */
  CS_FAULT_ID_BYTES = 120,    /* of a route or request id */
};

/* A file that owns one of the addresses. */
typedef struct cs_fault_module {
  uint64_t base; /* load bias: address = base + address in the file */
  char path[CS_FAULT_PATH_BYTES];
} cs_fault_module;

/* All zero = nothing happened. `serial` is written last. */
typedef struct cs_fault_record {
  uint64_t serial; /* rises with every record written here */
  int32_t signal;
  int32_t code; /* si_code */
  uint64_t address; /* si_addr of a fault, 0 otherwise */
  uint64_t pc, sp;
  uint64_t plugin, generation, phase; /* as in WorkerHead; plugin = stat slot + 1, 0 = none ran */
  uint64_t entered_tick, tick;        /* when the hook was entered, and now; TickClock */
  uint64_t unix_ms;
  uint32_t frame_count, module_count;
  uint32_t route_count, request_count;
  uint64_t frames[CS_FAULT_FRAMES]; /* [0] = pc, then return addresses, innermost first */
  uint8_t frame_module[CS_FAULT_FRAMES]; /* index of its module; 255 = none */
  char route[CS_FAULT_ID_BYTES];
  char request[CS_FAULT_ID_BYTES];
  cs_fault_module modules[CS_FAULT_MODULES];
} cs_fault_record;

/* Where the handler finds what it writes down. Every pointer stays valid until the process ends. */
typedef struct cs_fault_place {
  cs_fault_record *fault;  /* of signals that end the process */
  cs_fault_record *sample; /* of CS_FAULT_SAMPLE_SIGNAL: the process goes on */
  const volatile uint64_t *plugin, *generation, *phase, *context, *entered_tick;
  /* Offsets in the context of two views, each a pointer and a 64-bit count. */
  size_t route_offset, request_offset;
} cs_fault_place;

/* Installs the handlers of SIGSEGV SIGBUS SIGILL SIGFPE SIGTRAP SIGABRT SIGSYS and the sampling signal, on an alternate stack of the
   calling thread. Once per process, after the language runtime has started. 0, or -1 with errno. */
int cs_fault_install(const cs_fault_place *place);

/* The signal that asks for a sample. */
int cs_fault_sample_signal(void);

/* Writes "SEGV_MAPERR"-like names of si_code. NULL when there is none. */
const char *cs_fault_code_name(int signal, int code);
