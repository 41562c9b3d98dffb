// Marks the symbols that the shared library exports. All others are hidden, so that neither Flare's nor its
// dependencies' names can clash with the application's.
#pragma once

#define FLARE_EXPORT __attribute__((visibility("default")))
// Keeps an internal member of an exported class hidden; otherwise it would be exported too.
#define FLARE_HIDDEN __attribute__((visibility("hidden")))
