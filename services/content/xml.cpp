#include "content/xml.hpp"

#include "content/graphemes.hpp"

#include <libxml/parser.h>
#include <libxml/xmlwriter.h>

#include <new>

namespace tocsin::content {
namespace {

const xmlChar* xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }

}  // namespace

XmlWriter::XmlWriter(bool indented) {
    // libxml2 fills its tables at the first use, which two threads must not do at once.
    [[maybe_unused]] static const bool ready = (xmlInitParser(), true);
    buffer_ = xmlBufferCreate();
    writer_ = buffer_ == nullptr ? nullptr : xmlNewTextWriterMemory(buffer_, 0);
    if (writer_ == nullptr) {
        if (buffer_ != nullptr) xmlBufferFree(buffer_);
        throw std::bad_alloc{};
    }
    xmlTextWriterSetIndent(writer_, indented ? 1 : 0);
    xmlTextWriterSetIndentString(writer_, xml("  "));
    xmlTextWriterStartDocument(writer_, "1.0", "UTF-8", nullptr);
}

XmlWriter::~XmlWriter() {
    xmlFreeTextWriter(writer_);
    xmlBufferFree(buffer_);
}

void XmlWriter::open(const char* name) { xmlTextWriterStartElement(writer_, xml(name)); }

void XmlWriter::attribute(const char* name, std::string_view value) {
    xmlTextWriterWriteAttribute(writer_, xml(name), xml(printable(value).c_str()));
}

void XmlWriter::text(std::string_view text) {
    xmlTextWriterWriteString(writer_, xml(printable(text).c_str()));
}

void XmlWriter::close() { xmlTextWriterEndElement(writer_); }

void XmlWriter::leaf(const char* name, std::string_view text) {
    xmlTextWriterWriteElement(writer_, xml(name), xml(printable(text).c_str()));
}

void XmlWriter::leaf_unless_empty(const char* name, std::string_view text) {
    if (!text.empty()) leaf(name, text);
}

std::string XmlWriter::finish() {
    xmlTextWriterEndDocument(writer_);
    xmlTextWriterFlush(writer_);
    return {reinterpret_cast<const char*>(xmlBufferContent(buffer_)),
            static_cast<size_t>(xmlBufferLength(buffer_))};
}

}  // namespace tocsin::content
