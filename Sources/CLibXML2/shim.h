// Debian's libxml2 is built with ICU, whose headers clash with those of Foundation. Only the converters' handler struct
// depends on them, and nothing here looks into it.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
