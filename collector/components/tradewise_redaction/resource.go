package redaction

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

// What is the same in all three signals: who has sent it.

func (w *walk) resource(resource pcommon.Resource) {
	w.attributes(inResource, resource.Attributes())
	entities := entity.ResourceEntityRefs(resource)
	for i := range entities.Len() {
		ref := entities.At(i)
		w.text(inEntity, ref.Type(), ref.SetType)
		w.text(inEntity, ref.SchemaUrl(), ref.SetSchemaUrl)
		w.names(inEntity, ref.IdKeys())
		w.names(inEntity, ref.DescriptionKeys())
	}
}

// names of attributes are masked as the attributes' own are, so that they still say which.
func (w *walk) names(at slot, names pcommon.StringSlice) {
	for i := range names.Len() {
		w.text(at, names.At(i), func(clean string) { names.SetAt(i, clean) })
	}
}

func (w *walk) scope(scope pcommon.InstrumentationScope) {
	w.text(inScopeName, scope.Name(), scope.SetName)
	w.text(inScopeVersion, scope.Version(), scope.SetVersion)
	w.attributes(inScope, scope.Attributes())
}
