/* Copies 300,000 bytes in one call, for the interposer to see. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    volatile size_t count = 300000;
    char *from = calloc(count, 1), *to = malloc(count);
    if (!from || !to) return 1;
    memcpy(to, from, count);
    return to[count - 1];
}
