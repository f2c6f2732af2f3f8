/* Burns CPU until it is killed, or for a minute at most: the competitor that keeps a proxy's core full (loadgen.py). */
#include <time.h>

int main(void) {
  time_t end = time(0) + 60;
  while (time(0) < end)
    for (volatile int i = 0; i < 1000000; i++) {}
  return 0;
}
