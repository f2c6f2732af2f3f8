/* libffi in as few words as the gateway needs: a call interface prepared once, and the call. No closures: nothing here makes code, so it
   works where memory cannot become executable. No libffi type passes this border. What signatures mean is in SluiceRules. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Types by number: 1 int32_t, 2 int64_t, 3 double, 4 a struct of two words (sluice_view, sluice_ip). */
enum { CS_FFI_INT32 = 1, CS_FFI_INT64 = 2, CS_FFI_DOUBLE = 3, CS_FFI_PAIR = 4, CS_FFI_ARGUMENTS_MAX = 8 };

/* An argument or a result: the first word for numbers (int32_t in its low half), both for pairs. */
typedef struct cs_ffi_value { uint64_t word[2]; } cs_ffi_value;

typedef struct cs_ffi_interface cs_ffi_interface;
/* NULL: an unknown type, too many arguments, or libffi refused. Freed with cs_ffi_free. */
cs_ffi_interface *cs_ffi_prepare(uint32_t result, const uint8_t *arguments, uint32_t count);
void cs_ffi_free(cs_ffi_interface *interface);
/* Calls `function`, whose type is the interface's, with as many arguments as were prepared. Allocates nothing. */
void cs_ffi_run(const cs_ffi_interface *interface, void *function, const cs_ffi_value *arguments, cs_ffi_value *result);
