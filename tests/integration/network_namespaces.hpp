// Two hosts of one machine, "far" (10.77.0.1) and "near", with a cable between their interfaces of the same names.
#pragma once

#include "support/network_namespace.hpp"

namespace flare::test {

class NetworkNamespaces {
public:
    NetworkNamespaces() {
        far_.run("ip link add far type veth peer name near netns " + near_.name());
        far_.run("ip addr add 10.77.0.1/24 dev far && ip link set far up");
        near_.run("ip link set near up");
    }

    const NetworkNamespace& far() const noexcept { return far_; }
    const NetworkNamespace& near() const noexcept { return near_; }

private:
    const NetworkNamespace far_{"flare-far-" + std::to_string(::getpid())};
    const NetworkNamespace near_{"flare-near-" + std::to_string(::getpid())};
};

}  // namespace flare::test
