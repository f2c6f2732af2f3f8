/* The contract is headers only; this file makes them a module. */
#include "sluice/sluice.h"
