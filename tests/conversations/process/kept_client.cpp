// A client with a cache, for tests that kill it: posts numbers, one a line of output when the call has returned.
//
//     kept_client ADDRESS CACHE USER TARGET COUNT connect|offline
#include <flare/client.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
    if (argc != 7) return 2;
    auto client = flare::ClientBuilder(argv[3])
                      .server_addresses(flare::ServerAddresses().with_websocket_url(std::string("ws://") + argv[1]))
                      .cache_file(argv[2])
                      .build();
    if (!client) {
        std::fprintf(stderr, "kept_client: %s\n", client.error().text.c_str());
        return 1;
    }
    if (std::string(argv[6]) == "connect" && !client->connect()) return 1;
    for (int number = 0; number < std::atoi(argv[5]); ++number) {
        const auto posted = client->post_message(argv[4], flare::Message("text", flare::Bytes(std::to_string(number))));
        if (!posted) {
            std::fprintf(stderr, "kept_client: %s\n", posted.error().text.c_str());
            return 1;
        }
        std::puts("posted");
        std::fflush(stdout);
    }
    for (;;) ::pause();
}
