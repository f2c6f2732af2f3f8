/* The one file that includes libffi's header. Its words are explained in include/csluice_ffi.h. */
#include "include/csluice_ffi.h"
#include <ffi.h>
#include <stdlib.h>

struct cs_ffi_interface {
  ffi_cif cif;
  uint32_t result;
  ffi_type pair;
  ffi_type *pair_elements[3];
  ffi_type *types[CS_FFI_ARGUMENTS_MAX];
};

/* Whole words in memory: the halves and doubles of a value are read where a little-endian machine has them. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "cs_ffi_value expects a little-endian machine"
#endif

static ffi_type *type(cs_ffi_interface *i, uint32_t number) {
  switch (number) {
    case CS_FFI_INT32: return &ffi_type_sint32;
    case CS_FFI_INT64: return &ffi_type_sint64;
    case CS_FFI_DOUBLE: return &ffi_type_double;
    case CS_FFI_PAIR: return &i->pair;
    default: return NULL;
  }
}

cs_ffi_interface *cs_ffi_prepare(uint32_t result, const uint8_t *arguments, uint32_t count) {
  if (count > CS_FFI_ARGUMENTS_MAX) return NULL;
  cs_ffi_interface *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->result = result;
  made->pair_elements[0] = made->pair_elements[1] = &ffi_type_uint64;
  made->pair.type = FFI_TYPE_STRUCT; /* libffi fills in size and alignment */
  made->pair.elements = made->pair_elements;
  ffi_type *returned = type(made, result);
  int good = returned != NULL;
  for (uint32_t i = 0; i < count; i++) good = (made->types[i] = type(made, arguments[i])) && good;
  if (good && ffi_prep_cif(&made->cif, FFI_DEFAULT_ABI, count, returned, made->types) == FFI_OK) return made;
  free(made);
  return NULL;
}

void cs_ffi_free(cs_ffi_interface *interface) { free(interface); }

void cs_ffi_run(const cs_ffi_interface *interface, void *function, const cs_ffi_value *arguments, cs_ffi_value *result) {
  void *places[CS_FFI_ARGUMENTS_MAX];
  for (unsigned i = 0; i < interface->cif.nargs; i++) places[i] = (void *)arguments[i].word; /* libffi only reads them */
  result->word[1] = 0;
  ffi_call((ffi_cif *)&interface->cif, (void (*)(void))function, result->word, places);
  if (interface->result == CS_FFI_INT32) result->word[0] = (uint64_t)(int64_t)(int32_t)result->word[0];
}
