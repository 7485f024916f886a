// Links a file under a name and unlinks the name again, until it is killed: link-race TARGET NAME
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    puts("ready");
    fflush(stdout);
    for (;;) {
        link(argv[1], argv[2]);
        unlink(argv[2]);
    }
}
