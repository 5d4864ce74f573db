// Writes an XML document: UTF-8, no DTD, well-formed whatever the texts contain.
#pragma once

#include <string>
#include <string_view>

struct _xmlBuffer;
struct _xmlTextWriter;

namespace tocsin::content {

// One document. Not thread-safe; each thread uses its own.
class XmlWriter {
public:
    // Indented for people, or without a blank between two elements: some verifiers of signatures
    // take those out first.
    explicit XmlWriter(bool indented = true);
    ~XmlWriter();
    XmlWriter(const XmlWriter&) = delete;
    XmlWriter& operator=(const XmlWriter&) = delete;

    // Names are literals of this program; values may come from anybody.
    void open(const char* name);
    void attribute(const char* name, std::string_view value);
    void text(std::string_view text);
    void close();
    void leaf(const char* name, std::string_view text);
    // As `leaf`, but no element at all for an empty text.
    void leaf_unless_empty(const char* name, std::string_view text);

    // Closes what is open; nothing may be written afterwards.
    std::string finish();

private:
    _xmlBuffer* buffer_;
    _xmlTextWriter* writer_;
};

}  // namespace tocsin::content
