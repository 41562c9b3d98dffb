// What the shared library shows of itself. Everything else in it is hidden: no other name of Flare, or of what it is
// built on, can meet one of the application's.
#pragma once

#define FLARE_EXPORT __attribute__((visibility("default")))
// For what an exported class has inside that is nobody else's: it would be exported too.
#define FLARE_HIDDEN __attribute__((visibility("hidden")))
