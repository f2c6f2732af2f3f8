/* The entry of every Swift plugin: the one symbol that leaves the file. */
#include "sluice_swift.h"
SLUICE_PLUGIN(sluice_swift_init, sluice_swift_destroy, sluice_swift_get_extension)
