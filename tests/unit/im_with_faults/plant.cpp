#include "unit/im_with_faults/plant.hpp"

#include "im/planted.hpp"

namespace flare::im::test {

RemovalMissedBehind::RemovalMissedBehind() { planted_fault = Fault::removal_missed_behind; }
RemovalMissedBehind::~RemovalMissedBehind() { planted_fault = Fault::none; }

}  // namespace flare::im::test
